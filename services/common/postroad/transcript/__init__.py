"""Transcripts: what was said in every session, as lines, with secrets blanked and contents left out.

A shell hands octets to the tap (`postroad.tap`). The recorder (`recorder`) is such a tap: it gives each session a
`Tape` (`tape`), which appends the octets to a list and does nothing else while mail is under way. Only when somebody
reads a transcript, or a tape has grown too long, an observer (`smtp`, `pop3`, `imap`, `managesieve`; all pure) follows
the protocol and makes lines of the octets (`line`). It blanks every secret (`secrets`) and keeps contents by reference:
size, hash, and whose they are.

Transcripts are in memory only, bounded per world and in all; decision 36 says why. `door` gives them to the web
service.
"""
