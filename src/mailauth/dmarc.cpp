#include "mailauth/dmarc.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>

#include "mail/address.hpp"
#include "mail/parse.hpp"
#include "mailauth/dmarc_record.hpp"
#include "mailauth/domain.hpp"

namespace countersign::mailauth {
namespace {

namespace asio = boost::asio;
using net::DnsStatus;

/// What one name says about policy (§6.6.3, steps 1 and 2).
struct Lookup {
  bool failed = false;
  std::size_t records = 0;
  std::optional<DmarcRecord> record;  // of a single one that can be used
};

asio::awaitable<Lookup> look_up(net::DnsResolver& dns, std::string domain) {
  const auto answer = co_await dns.txt("_dmarc." + domain);
  Lookup lookup;
  lookup.failed = answer.status == DnsStatus::failed;
  for (const auto& text : answer.records) {
    if (!is_dmarc_record(text)) continue;
    if (++lookup.records == 1) lookup.record = parse_dmarc_record(text);
  }
  if (lookup.records > 1) lookup.record.reset();
  co_return lookup;
}

bool aligned(const std::string& domain, const std::string& from, Alignment mode) {
  if (mode == Alignment::strict) return domain == from;
  return organisational_domain(domain) == organisational_domain(from);
}

bool aligned(const std::optional<std::string>& domain, const std::string& from, Alignment mode) {
  const auto ascii = to_ascii_domain(domain.value_or(""));
  return ascii && aligned(*ascii, from, mode);
}

/// Alignment of every identifier under a record that applies, and the verdict (§3.1, §6.6.2).
void judge(const DmarcRecord& record, const std::string& from, Authentication& authentication) {
  auto& dmarc = authentication.dmarc;
  bool unsure = false;
  auto& spf = authentication.spf;
  const bool spf_aligned = aligned(spf.domain, from, record.spf);
  if (spf.status == SpfStatus::pass) {
    spf.aligned = spf_aligned;
    dmarc.spf_aligned = spf_aligned;
  }
  unsure |= spf_aligned && spf.status == SpfStatus::temperror;
  for (auto& dkim : authentication.dkim) {
    const bool dkim_aligned = aligned(dkim.domain, from, record.dkim);
    if (dkim.status == DkimStatus::pass) {
      dkim.aligned = dkim_aligned;
      dmarc.dkim_aligned |= dkim_aligned;
    }
    unsure |= dkim_aligned && dkim.status == DkimStatus::temperror;
  }
  if (dmarc.spf_aligned || dmarc.dkim_aligned) {
    dmarc.status = DmarcStatus::pass;
  } else if (unsure) {
    dmarc.status = DmarcStatus::temperror;
    dmarc.detail = "an aligned identifier could not be checked for now";
  } else {
    dmarc.status = DmarcStatus::fail;
    dmarc.detail = fmt::format("no aligned identifier of {} passed", from);
  }
}

}  // namespace

asio::awaitable<void> judge_dmarc(net::DnsResolver& dns, std::string_view raw,
                                  Authentication& authentication) {
  auto& dmarc = authentication.dmarc;
  dmarc = {};
  const auto author = mail::author_of(raw);
  if (author.fields == 0) {
    dmarc.detail = "no From field";
    co_return;
  }
  const auto from = author.mailbox ? to_ascii_domain(mail::domain_of(author.mailbox->address)) : std::nullopt;
  if (!from) {
    dmarc.status = DmarcStatus::permerror;  // §6.6.1: nobody in particular stands behind it
    dmarc.detail = author.fields > 1 ? "several From fields" : "From is not a single usable address";
    co_return;
  }
  dmarc.domain = *from;
  const auto organisation = organisational_domain(*from);
  auto lookup = co_await look_up(dns, *from);
  const bool own = lookup.records > 0 || organisation == *from;
  if (!own && !lookup.failed) lookup = co_await look_up(dns, organisation);
  if (lookup.failed) {
    dmarc.status = DmarcStatus::temperror;
    dmarc.detail = "the DNS did not answer for the policy";
    co_return;
  }
  if (!lookup.record) {
    dmarc.detail = lookup.records == 0   ? "no policy is published"
                   : lookup.records == 1 ? "the published policy cannot be read"
                                         : "several policies are published";
    co_return;
  }
  dmarc.policy =
      own ? lookup.record->policy : lookup.record->subdomain_policy.value_or(lookup.record->policy);
  judge(*lookup.record, *from, authentication);
}

}  // namespace countersign::mailauth
