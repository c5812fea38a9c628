"""S3 behind the ports of objects and head: a bucket as public/, with conditional writes."""
