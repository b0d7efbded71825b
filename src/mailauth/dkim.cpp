#include "mailauth/dkim.hpp"

#include <fmt/format.h>

#include "mailauth/dkim_judge.hpp"
#include "mailauth/dkim_signature.hpp"

namespace countersign::mailauth {

boost::asio::awaitable<std::vector<DkimResult>> verify_dkim(net::DnsResolver& dns, std::string_view raw,
                                                            UtcTime now) {
  SignedMessage message(raw);
  KeyFinder keys(dns);
  std::vector<DkimResult> results;
  const std::vector<std::size_t>& own = message.all("dkim-signature");
  for (const std::size_t at : own) {
    DkimResult result;
    if (results.size() == kSignaturesMax) {
      result.status = DkimStatus::policy;
      result.detail = fmt::format("{} more signatures were not looked at", own.size() - kSignaturesMax);
      results.push_back(std::move(result));
      break;
    }
    const Signature signature = read_signature(message.fields()[at].value(), SignatureKind::dkim, now);
    result.domain = signature.domain;
    result.selector = signature.selector;
    if (message.over_limits()) {
      result.status = DkimStatus::policy;
      result.detail = "the header is too large to be checked";
    } else if (message.malformed()) {
      result.status = DkimStatus::policy;
      result.detail = "a line of the header is no header field";
    } else if (signature.fault) {
      result.status = signature.fault->status;
      result.detail = signature.fault->text;
    } else {
      Judgement said = co_await judge_signature(keys, message, signature, at);
      result.status = said.status;
      result.detail = std::move(said.text);
    }
    results.push_back(std::move(result));
  }
  co_return results;
}

}  // namespace countersign::mailauth
