// DMARC records and From fields from anywhere: reading, discovery and alignment under libFuzzer.
//
// An input is lines: what From holds, the domain that SPF passed, the domain that DKIM passed, and the
// records: the first is that of From's domain, the others those of the organisation. Without any, nothing is
// published.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/assert.hpp"
#include "base/text.hpp"
#include "fuzz/wait_for.hpp"
#include "mailauth/dmarc.hpp"
#include "mailauth/dmarc_record.hpp"
#include "mailauth/domain.hpp"

namespace {

using namespace countersign;
using namespace countersign::mailauth;
using fuzz::wait_for;
using net::DnsStatus;

class FuzzedDns final : public net::DnsResolver {
 public:
  FuzzedDns(std::vector<std::string> own, std::vector<std::string> above, DnsStatus empty)
      : answers_{std::move(own), std::move(above)}, empty_(empty) {}
  boost::asio::awaitable<net::DnsAnswer<std::string>> txt(std::string name) override {
    CS_ASSERT(name.starts_with("_dmarc.") && name.size() <= 7 + 253);
    CS_ASSERT(questions_ < answers_.size());
    auto& records = answers_[questions_++];
    const auto status = records.empty() ? empty_ : DnsStatus::found;
    co_return net::DnsAnswer<std::string>{status, std::move(records)};
  }
  boost::asio::awaitable<net::DnsAnswer<boost::asio::ip::address>> a(std::string) override {
    CS_ASSERT(false);
  }
  boost::asio::awaitable<net::DnsAnswer<boost::asio::ip::address>> aaaa(std::string) override {
    CS_ASSERT(false);
  }
  boost::asio::awaitable<net::DnsAnswer<net::MxRecord>> mx(std::string) override { CS_ASSERT(false); }
  boost::asio::awaitable<net::DnsAnswer<std::string>> ptr(boost::asio::ip::address) override {
    CS_ASSERT(false);
  }

 private:
  std::vector<std::vector<std::string>> answers_;
  DnsStatus empty_;
  std::size_t questions_ = 0;
};

std::string name_of(DmarcPolicy policy) {
  return policy == DmarcPolicy::none ? "none" : policy == DmarcPolicy::reject ? "reject" : "quarantine";
}

/// What was read, written by the grammar, reads the same.
void expect_stable(std::string_view text) {
  const auto record = parse_dmarc_record(text);
  if (!record) return;
  std::string again = "v=DMARC1; p=" + name_of(record->policy);
  if (record->subdomain_policy) again += "; sp=" + name_of(*record->subdomain_policy);
  if (record->dkim == Alignment::strict) again += "; adkim=s";
  if (record->spf == Alignment::strict) again += "; aspf=s";
  CS_ASSERT(is_dmarc_record(again));
  const auto second = parse_dmarc_record(again);
  CS_ASSERT(second && second->policy == record->policy && second->dkim == record->dkim &&
            second->spf == record->spf && second->subdomain_policy == record->subdomain_policy);
}

void expect_aligned(const std::optional<std::string>& domain, const std::string& from) {
  const auto ascii = to_ascii_domain(domain.value_or(""));
  CS_ASSERT(ascii && organisational_domain(*ascii) == organisational_domain(from));
}

Authentication passed(const std::string& spf, const std::string& dkim) {
  Authentication before;
  before.spf = {SpfStatus::pass, spf, {}, ""};
  before.dkim = {{DkimStatus::pass, dkim, "s", {}, ""}};
  return before;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string> lines;
  for (std::string_view rest(reinterpret_cast<const char*>(data), size);;) {
    const auto end = rest.find('\n');
    lines.emplace_back(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  lines.resize(std::max<std::size_t>(lines.size(), 3));
  const std::string raw = "From: " + lines[0] + "\r\n\r\n";
  std::vector<std::string> own;
  std::vector<std::string> above;
  for (std::size_t i = 3; i < lines.size(); ++i) {
    if (is_dmarc_record(lines[i])) expect_stable(lines[i]);
    (i == 3 && !lines[i].empty() ? own : above).push_back(lines[i]);
  }

  auto result = passed(lines[1], lines[2]);
  FuzzedDns dns(own, above, DnsStatus::no_such_name);
  wait_for(judge_dmarc(dns, raw, result));
  const auto& dmarc = result.dmarc;
  const bool judged = dmarc.status == DmarcStatus::pass || dmarc.status == DmarcStatus::fail;
  CS_ASSERT(is_utf8(dmarc.detail) && (!judged || (dmarc.domain && dmarc.policy)));
  CS_ASSERT((dmarc.status == DmarcStatus::pass) == (dmarc.spf_aligned || dmarc.dkim_aligned));
  CS_ASSERT(judged || (!result.spf.aligned && !result.dkim.front().aligned));
  if (dmarc.spf_aligned) expect_aligned(result.spf.domain, *dmarc.domain);
  if (dmarc.dkim_aligned) expect_aligned(result.dkim.front().domain, *dmarc.domain);

  auto in_the_dark = passed(lines[1], lines[2]);
  FuzzedDns dark({}, {}, DnsStatus::failed);
  wait_for(judge_dmarc(dark, raw, in_the_dark));
  CS_ASSERT(in_the_dark.dmarc.status == (dmarc.domain ? DmarcStatus::temperror : DmarcStatus::permerror));
  return 0;
}
