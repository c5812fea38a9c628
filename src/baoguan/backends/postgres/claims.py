"""The statements by which feeds are handed out and kept."""

CLAIM = """
WITH due AS MATERIALIZED (
  SELECT url, host, at_ms FROM feed WHERE at_ms <= %(now)s ORDER BY at_ms LIMIT %(window)s FOR UPDATE SKIP LOCKED
), ranked AS (
  SELECT due.url, due.at_ms, row_number() OVER (PARTITION BY due.host ORDER BY due.at_ms) AS place,
    greatest(coalesce(host.free_ms, 0), coalesce(host.not_before_ms, 0)) AS free_ms
  FROM due LEFT JOIN host ON host.key = due.host
), chosen AS (
  SELECT url, place, free_ms, place <= %(a_host)s AND free_ms <= %(ahead)s AS fits,
    row_number() OVER (PARTITION BY place <= %(a_host)s AND free_ms <= %(ahead)s ORDER BY at_ms) AS n
  FROM ranked
)
UPDATE feed SET
  lease_ms = CASE WHEN fits THEN %(until)s ELSE lease_ms END,
  at_ms = CASE WHEN fits THEN %(until)s ELSE greatest(free_ms, %(now)s) + 1000 * place END
FROM chosen WHERE feed.url = chosen.url AND (NOT fits OR n <= %(limit)s)
RETURNING fits, state
"""
CLAIM_ANY = """
UPDATE feed SET lease_ms = %(until)s, at_ms = %(until)s WHERE url IN (
  SELECT url FROM feed WHERE {column} <= %(now)s AND lease_ms <= %(now)s AND next_ms < %(stopped)s
  ORDER BY next_ms LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
RETURNING state
"""
HEALTH = """
SELECT kind, count(*), count(*) FILTER (WHERE next_ms <= %(now)s), min(next_ms), max(polled) FROM (
  SELECT next_ms, coalesce(convert_from(state, 'UTF8')::json ->> 'kind', '') AS kind,
    coalesce((convert_from(state, 'UTF8')::json ->> 'last_poll_ms')::bigint, 0) AS polled FROM feed) AS f
GROUP BY kind
"""
PENDING = "SELECT count(*), min((convert_from(item, 'UTF8')::json ->> 'first_ms')::bigint) FROM pending"
