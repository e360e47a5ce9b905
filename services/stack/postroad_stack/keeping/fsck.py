"""The program `postroad fsck`: checks the mail's database."""

from postroad_stack.keeping.program import program

main = program("fsck")
