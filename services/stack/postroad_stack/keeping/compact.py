"""The program `postroad compact`: makes the mail's database as small as its mail."""

from postroad_stack.keeping.program import program

main = program("compact")
