# Perl's Mail::IMAPClient, on which imapsync is built: host port user password ca mechanism.
use strict;
use warnings;
use JSON::PP;
use Mail::IMAPClient;

my ($host, $port, $user, $password, $ca, $mechanism) = @ARGV;
my $json = JSON::PP->new->canonical;
$| = 1;
sub told { print $json->encode({@_}), "\n" }
my $imap = Mail::IMAPClient->new(
    Server => $host, Port => $port, User => $user, Password => $password, Authmechanism => $mechanism,
    Ssl => [SSL_ca_file => $ca, SSL_verify_mode => 1, SSL_hostname => $host], Uid => 1, Peek => 1,
) or die "no login: $@";

sub subjects {
    my %found;
    for my $message ($imap->messages) {
        $found{$imap->subject($message)} = [sort grep { $_ ne "Recent" } map { s/^\\//r } $imap->flags($message)];
    }
    return \%found;
}

$imap->select("INBOX") or die $imap->LastError;
told(before => subjects());
<STDIN>;
$imap->noop;
told(
    after => subjects(),
    sorted => [map { 0 + $_ } $imap->sort("REVERSE SUBJECT", "UTF-8", "ALL")],
    found => [map { 0 + $_ } $imap->search("SUBJECT", "number 4")],
    threads => scalar @{ $imap->thread("REFERENCES", "UTF-8", "ALL") },
    rights => [sort keys %{ $imap->getacl("INBOX") }],
    moved => $imap->move("Archive", 1) ? "OK" : $imap->LastError,
    appended => 0 + $imap->append_string("Archive", "Subject: one more\n\nA line\n.\n", "\\Seen", " 7-Feb-1994 21:52:25 -0800"),
);
my $tag = $imap->idle or die $imap->LastError;
my $heard = "";
$heard .= join "", @{ $imap->idle_data(30) || [] } until $heard =~ /(\d+) EXISTS/;
$heard =~ /(\d+) EXISTS/ and told(count => 0 + $1);
$imap->done($tag);
$imap->logout;
