#!/usr/bin/perl
# What Mail::DMARC says: judge_mail_dmarc.pl CASES prints "name<TAB>verdict policy" for each case that has at most
# one From field, which is all that Mail::DMARC can be given.
use strict;
use warnings;
use Net::DNS;
use Mail::DMARC::PurePerl;

# The records of one case in place of the DNS. Every name has an address, for Mail::DMARC asks whether From exists.
package Zone;
sub new { my ($class, $records) = @_; return bless {records => $records}, $class }
sub strings {
    my @strings = $_[0] =~ /"((?:[^"\\]|\\.)*)"/g;
    s/\\(\d{3}|.)/length $1 == 3 ? chr $1 : $1/ge for @strings;
    return @strings;
}
sub query { my ($self, @question) = @_; return $self->send(@question) }
sub send {
    my ($self, $name, $type) = @_;
    $name = lc $name;
    my $packet = Net::DNS::Packet->new($name, $type, 'IN');
    $packet->push(answer => Net::DNS::RR->new(name => $name, type => 'A', address => '192.0.2.1')) if $type eq 'A';
    return $packet if $type ne 'TXT';
    my $found = $self->{records}{$name} || {};
    return undef if $found->{FAIL};    ## no critic: it is how Net::DNS tells that nobody answered
    $found = $self->{records}{$found->{CNAME}[0]} if $found->{CNAME};
    $packet->push(answer => Net::DNS::RR->new(name => $name, type => 'TXT', txtdata => [strings($_)]))
        for @{$found->{TXT} || []};
    return $packet;
}

package main;
my @cases;
open my $in, '<:raw', $ARGV[0] or die "$ARGV[0]: $!";
while (<$in>) {
    chomp;
    next if /^;/ || !/\S/;
    if (/^\[(.*)\]/) { push @cases, {name => $1, from => [], dkim => [], records => {}} }
    elsif (/^From:\s*(.*)/) { push @{$cases[-1]{from}}, $1 }
    elsif (/^\S+:/) { }
    elsif (/^spf (\S+) (\S+)/) { $cases[-1]{spf} = [$1, $2] }
    elsif (/^dkim (\S+) (\S+)/) { push @{$cases[-1]{dkim}}, {result => $1, domain => $2, selector => 's'} }
    elsif (/^(\S+)\s+(\S+)\s*(.*)/) { push @{$cases[-1]{records}{lc $1}{$2}}, $3 }
}

sub verdict {
    my ($case) = @_;
    my $dmarc = Mail::DMARC::PurePerl->new;
    $dmarc->{resolver} = Zone->new($case->{records});
    $dmarc->source_ip('192.0.2.1');
    $dmarc->header_from_raw($case->{from}[0] // '');
    my ($result, $domain) = @{$case->{spf}};
    $dmarc->spf([{scope => 'mfrom', domain => $domain eq '-' ? '' : $domain, result => $result}]);
    $dmarc->dkim($case->{dkim});
    my $verdict = $dmarc->validate->result;
    # Its result is "fail" from the start, and stays so when it takes no action.
    my $without = join ' ', map { $_->comment // '' } @{$dmarc->result->reason || []};
    return 'permerror' if $without =~ /header_from/;
    return 'none' if $without =~ /too many policies|no valid rua/;
    my $policy = eval { $dmarc->result->published } or return 'none';
    my $below = $dmarc->is_subdomain && defined $policy->sp;
    return $verdict . ' ' . lc(($below ? $policy->sp : $policy->p) // '');
}
for my $case (@cases) {
    next if @{$case->{from}} > 1;
    local $SIG{__WARN__} = sub { };
    my $verdict = eval { verdict($case) };
    if (!defined $verdict) {
        print STDERR "$case->{name}: $@\n";
        $verdict = 'error';
    }
    print "$case->{name}\t$verdict\n";
}
