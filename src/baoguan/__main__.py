"""python -m baoguan"""

from baoguan.cli.main import main

main()
