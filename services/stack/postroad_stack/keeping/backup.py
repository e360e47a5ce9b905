"""The program `postroad backup`: writes all mail into one file."""

from postroad_stack.keeping.program import program

main = program("backup")
