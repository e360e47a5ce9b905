<?php
// PHP's imap extension: host port user password.
[, $host, $port, $user, $password] = $argv;
$mailbox = "{{$host}:$port/imap/ssl/novalidate-cert}INBOX";
$stream = imap_open($mailbox, $user, $password) or exit(implode("\n", imap_errors()));
$subjects = fn () => array_map(fn ($one) => $one->subject, imap_fetch_overview($stream, '1:*'));
echo json_encode(['before' => $subjects()]), "\n";
fgets(STDIN);
imap_ping($stream);
$number = imap_msgno($stream, 1);
echo json_encode([
    'after' => $subjects(),
    'seen' => imap_fetch_overview($stream, "$number")[0]->seen,
    'sorted' => imap_sort($stream, SORTSUBJECT, true, SE_UID, 'ALL', 'UTF-8'),
    'found' => imap_search($stream, 'SUBJECT "number 4"', SE_UID),
    'threads' => count(imap_thread($stream, SE_UID)),
    'rights' => array_keys(imap_getacl($stream, 'INBOX')),
    'lines' => substr_count(imap_body($stream, $number), "\n"),
]), "\n";
imap_close($stream);
