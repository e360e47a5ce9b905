"""The program `postroad restore`: puts a backup in the place of the mail."""

from postroad_stack.keeping.program import program

main = program("restore")
