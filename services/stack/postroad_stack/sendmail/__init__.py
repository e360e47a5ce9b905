"""The program `postroad sendmail`: what programs expect of /usr/sbin/sendmail."""
