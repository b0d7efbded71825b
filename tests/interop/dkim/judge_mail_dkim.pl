#!/usr/bin/perl
# What Mail::DKIM says: judge_mail_dkim.pl ZONE FILE… prints "name<TAB>result,…<TAB>arc result" for each.
use strict;
use warnings;
use Net::DNS;
use Mail::DKIM::DNS;
use Mail::DKIM::Verifier;
use Mail::DKIM::ARC::Verifier;

package Zone;
sub new { my ($class, %records) = @_; return bless {records => \%records}, $class }
sub errorstring { return 'NOERROR' }
sub send {
    my ($self, $name, $type) = @_;
    my $packet = Net::DNS::Packet->new($name, $type, 'IN');
    my $texts = $self->{records}{lc $name};
    $packet->header->rcode($texts ? 'NOERROR' : 'NXDOMAIN');
    for my $strings (@{$texts || []}) {
        $packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => $strings));
    }
    return $packet;
}

package main;
my ($zone, @files) = @ARGV;
my %records;
open my $in, '<', $zone or die "$zone: $!";
while (<$in>) {
    next if /^;/;
    my ($name, $rest) = /^(\S+) TXT (.*)/ or next;
    push @{$records{lc $name}}, [$rest =~ /"([^"]*)"/g];
}
Mail::DKIM::DNS::resolver(Zone->new(%records));

sub verdict {
    my ($class, $text) = @_;
    my $verifier = $class->new(Strict => 0);
    $verifier->PRINT($text);
    $verifier->CLOSE;
    return $verifier;
}
for my $file (@files) {
    open my $mail, '<:raw', $file or die "$file: $!";
    my $text = do { local $/; <$mail> };
    my $dkim = verdict('Mail::DKIM::Verifier', $text);
    my $arc = eval { verdict('Mail::DKIM::ARC::Verifier', $text)->result } || 'error';
    my ($name) = $file =~ m{([^/]+)\.eml$};
    print join("\t", $name, join(',', map { $_->result || 'none' } $dkim->signatures), $arc), "\n";
}
