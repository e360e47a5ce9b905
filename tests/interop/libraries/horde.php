<?php
// Horde's Imap_Client: host port user password ca. Reads INBOX, waits for a line, and asks what has changed since.
spl_autoload_register(fn ($name) => @include strtr($name, '_\\', '//') . '.php');
error_reporting(E_ALL & ~E_DEPRECATED);
[, $host, $port, $user, $password, $ca] = $argv;
$client = new Horde_Imap_Client_Socket([
    'hostspec' => $host, 'port' => (int) $port, 'username' => $user, 'password' => $password, 'secure' => 'ssl',
    'cache' => ['backend' => new Horde_Imap_Client_Cache_Backend_Null()], // with one it enables CONDSTORE and QRESYNC
    'context' => ['ssl' => ['cafile' => $ca, 'verify_peer' => true]],
]);
$client->login();
$client->openMailbox('INBOX', Horde_Imap_Client::OPEN_READWRITE);

function subjects($client, $ids)
{
    $query = new Horde_Imap_Client_Fetch_Query();
    $query->envelope();
    $query->flags();
    $found = [];
    foreach ($client->fetch('INBOX', $query, ['ids' => $ids]) as $message) {
        $flags = array_values(array_diff($message->getFlags(), ['\\recent']));
        sort($flags);
        $found[$message->getEnvelope()->subject] = $flags;
    }
    return $found;
}

$before = subjects($client, new Horde_Imap_Client_Ids(Horde_Imap_Client_Ids::ALL));
$token = $client->getSyncToken('INBOX');
$client->close();
echo json_encode(['before' => $before]), "\n";
fgets(STDIN);

$client->openMailbox('INBOX', Horde_Imap_Client::OPEN_READWRITE);
$all = new Horde_Imap_Client_Ids(range(1, 3));
$sync = $client->sync(Horde_Imap_Client_Mailbox::get('INBOX'), $token, ['ids' => $all]);
$sorted = $client->search('INBOX', null, ['sort' => [Horde_Imap_Client::SORT_REVERSE, Horde_Imap_Client::SORT_SUBJECT]]);
$fuzzy = new Horde_Imap_Client_Search_Query();
$fuzzy->headerText('subject', 'Nomber', false, ['fuzzy' => true]);
$threads = $client->thread('INBOX', ['criteria' => Horde_Imap_Client::THREAD_REFERENCES]);
$quota = $client->getQuotaRoot('INBOX');
$client->setACL('INBOX', 'anyone', ['rights' => 'lr']);
$acl = (string) $client->getACL('INBOX')['anyone'];
$client->deleteACL('INBOX', 'anyone'); // other tests use the same server
echo json_encode([
    'new' => $sync->newmsgsuids->ids,
    'flags' => subjects($client, $sync->flagsuids),
    'vanished' => $sync->vanisheduids->ids,
    'sorted' => $sorted['match']->ids,
    'fuzzy' => $client->search('INBOX', $fuzzy)['match']->ids,
    'threads' => count($threads->messageList()->ids),
    'quota' => count($quota),
    'acl' => $acl,
    'id' => $client->getID()['name'],
    'children' => count($client->listMailboxes('*', Horde_Imap_Client::MBOX_ALL, ['status' => Horde_Imap_Client::STATUS_MESSAGES])),
]), "\n";
$client->logout();
