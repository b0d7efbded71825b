#!/usr/bin/perl
# What Mail::SPF says: judge_mail_spf.pl CASES prints "name<TAB>result" for each case.
use strict;
use warnings;
use Net::DNS;
use Mail::SPF;

# The records of one case in place of the DNS.
package Zone;
sub new {
    my ($class, @lines) = @_;
    my $self = bless {records => {}, above => {}, error => 'NOERROR'}, $class;
    for (@lines) {
        my ($name, $type, $data) = /^(\S+)\s+(\S+)\s*(.*)$/ or next;
        $name = lc $name;
        push @{$self->{records}{$name}{$type}}, $data;
        for (my $n = $name; $n =~ s/^[^.]*\.//;) { $self->{above}{$n} = 1 }
    }
    return $self;
}
sub errorstring { return $_[0]{error} }
sub strings {
    my @strings = $_[0] =~ /"((?:[^"\\]|\\.)*)"/g;
    s/\\(\d{3}|.)/length $1 == 3 ? chr $1 : $1/ge for @strings;
    return @strings;
}
sub record {
    my ($name, $type, $data) = @_;
    my @owner = (name => $name, type => $type);
    return Net::DNS::RR->new(@owner, txtdata => [strings($data)]) if $type eq 'TXT';
    return Net::DNS::RR->new(@owner, cname => $data) if $type eq 'CNAME';
    return Net::DNS::RR->new(@owner, ptrdname => $data) if $type eq 'PTR';
    return Net::DNS::RR->new(@owner, preference => $1, exchange => $2) if $data =~ /^(\d+) (\S+)/;
    return Net::DNS::RR->new(@owner, address => $data);
}
sub send {
    my ($self, $name, $type) = @_;
    $name = lc $name;
    $name =~ s/\.$//;
    my $packet = eval { Net::DNS::Packet->new($name, $type, 'IN') } || Net::DNS::Packet->new('x', $type, 'IN');
    for (1 .. 9) {
        my $found = $self->{records}{$name};
        if (!$found) {
            $packet->header->rcode($self->{above}{$name} ? 'NOERROR' : 'NXDOMAIN');
            return $packet;
        }
        if ($found->{FAIL}) {
            $packet->header->rcode('SERVFAIL');
            return $packet;
        }
        $packet->push(answer => record($name, $type, $_)) for @{$found->{$type} || []};
        return $packet if $found->{$type} || !$found->{CNAME};
        $packet->push(answer => record($name, 'CNAME', $found->{CNAME}[0]));
        $name = $found->{CNAME}[0];
    }
    $packet->header->rcode('SERVFAIL');
    return $packet;
}

package main;
my (@common, @cases);
open my $in, '<:raw', $ARGV[0] or die "$ARGV[0]: $!";
while (<$in>) {
    chomp;
    next if /^;/ || !/\S/;
    if (/^\[(.*)\]/) {
        push @cases, {name => $1, question => [qw(192.0.2.1 ada@example.com mail.example.com)], zone => [@common]};
    } elsif (/^\? (\S+) (\S+) (\S+)/) {
        $cases[-1]{question} = [$1, $2, $3];
    } else {
        push @{@cases ? $cases[-1]{zone} : \@common}, $_;
    }
}
for my $case (@cases) {
    my ($client, $sender, $helo) = @{$case->{question}};
    my $server = Mail::SPF::Server->new(
        dns_resolver => Zone->new(@{$case->{zone}}), hostname => 'mx.receiver.example',
        query_rr_types => Mail::SPF::Server->query_rr_type_txt, max_void_dns_lookups => 2);
    my $verdict = eval {
        my $request = Mail::SPF::Request->new(
            versions => [1], scope => $sender eq '<>' ? 'helo' : 'mfrom',
            identity => $sender eq '<>' ? $helo : $sender, ip_address => $client, helo_identity => $helo);
        $server->process($request)->code;
    };
    if (!defined $verdict) {
        print STDERR "$case->{name}: $@\n";
        $verdict = 'error';
    }
    print "$case->{name}\t$verdict\n";
}
