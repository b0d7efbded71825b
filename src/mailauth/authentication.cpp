#include "mailauth/authentication.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <utility>

#include "base/text.hpp"
#include "mailauth/arc.hpp"
#include "mailauth/dkim.hpp"
#include "mailauth/dmarc.hpp"
#include "mailauth/spf.hpp"

namespace countersign::mailauth {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

std::string_view name_of(SpfStatus status) {
  switch (status) {
    case SpfStatus::pass:
      return "pass";
    case SpfStatus::fail:
      return "fail";
    case SpfStatus::none:
      return "none";
    case SpfStatus::neutral:
      return "neutral";
    case SpfStatus::softfail:
      return "softfail";
    case SpfStatus::temperror:
      return "temperror";
    case SpfStatus::permerror:
      break;
  }
  return "permerror";
}

std::string_view name_of(DkimStatus status) {
  switch (status) {
    case DkimStatus::pass:
      return "pass";
    case DkimStatus::fail:
      return "fail";
    case DkimStatus::none:
      return "none";
    case DkimStatus::neutral:
      return "neutral";
    case DkimStatus::policy:
      return "policy";
    case DkimStatus::temperror:
      return "temperror";
    case DkimStatus::permerror:
      break;
  }
  return "permerror";
}

std::string_view name_of(DmarcStatus status) {
  switch (status) {
    case DmarcStatus::pass:
      return "pass";
    case DmarcStatus::fail:
      return "fail";
    case DmarcStatus::none:
      return "none";
    case DmarcStatus::temperror:
      return "temperror";
    case DmarcStatus::permerror:
      break;
  }
  return "permerror";
}

std::string_view name_of(DmarcPolicy policy) {
  switch (policy) {
    case DmarcPolicy::none:
      return "none";
    case DmarcPolicy::quarantine:
      return "quarantine";
    case DmarcPolicy::reject:
      break;
  }
  return "reject";
}

std::string_view name_of(ArcStatus status) {
  switch (status) {
    case ArcStatus::none:
      return "none";
    case ArcStatus::pass:
      return "pass";
    case ArcStatus::fail:
      break;
  }
  return "fail";
}

/// Text of strangers as JSON can carry it.
json::value text_or_null(const std::optional<std::string>& text) {
  if (!text) return nullptr;
  return json::value(is_utf8(*text) ? *text : printable(*text, text->size()));
}

json::value flag_or_null(std::optional<bool> flag) {
  return flag ? json::value(*flag) : json::value(nullptr);
}

void add_detail(json::object& object, const std::string& detail) {
  if (!detail.empty()) object["detail"] = text_or_null(detail);
}

}  // namespace

std::optional<std::string> Authentication::verified_domain() const {
  if (dmarc.status != DmarcStatus::pass) return std::nullopt;
  return dmarc.domain;
}

bool Authentication::temporary_error() const {
  return spf.status == SpfStatus::temperror || dmarc.status == DmarcStatus::temperror ||
         std::ranges::any_of(dkim, [](const DkimResult& r) { return r.status == DkimStatus::temperror; });
}

json::object to_json(const Authentication& authentication) {
  const auto& [spf, dkim, dmarc, arc] = authentication;
  json::object spf_view{{"status", name_of(spf.status)},
                        {"domain", text_or_null(spf.domain)},
                        {"aligned", flag_or_null(spf.aligned)}};
  add_detail(spf_view, spf.detail);

  json::array dkim_views;
  for (const auto& result : dkim) {
    json::object view{{"status", name_of(result.status)},
                      {"domain", text_or_null(result.domain)},
                      {"selector", text_or_null(result.selector)},
                      {"aligned", flag_or_null(result.aligned)}};
    add_detail(view, result.detail);
    dkim_views.push_back(std::move(view));
  }

  json::array aligned_by;
  if (dmarc.status == DmarcStatus::pass && dmarc.spf_aligned) aligned_by.push_back("spf");
  if (dmarc.status == DmarcStatus::pass && dmarc.dkim_aligned) aligned_by.push_back("dkim");
  json::object dmarc_view{
      {"status", name_of(dmarc.status)},
      {"domain", text_or_null(dmarc.domain)},
      {"policy", dmarc.policy ? json::value(name_of(*dmarc.policy)) : json::value(nullptr)},
      {"aligned_by", std::move(aligned_by)}};
  add_detail(dmarc_view, dmarc.detail);

  json::object view{
      {"spf", std::move(spf_view)}, {"dkim", std::move(dkim_views)}, {"dmarc", std::move(dmarc_view)}};
  if (arc.status != ArcStatus::none) {
    view["arc"] = json::object{{"status", name_of(arc.status)}, {"sealed_by", text_or_null(arc.sealed_by)}};
  }
  return view;
}

asio::awaitable<Authentication> authenticate(net::DnsResolver& dns, Origin origin, std::string_view raw,
                                             UtcTime now) {
  Authentication authentication;
  authentication.dkim = co_await verify_dkim(dns, raw, now);
  if (origin.from_own_server) {
    authentication.spf.detail = "handed on by a mail server that is not the sender's";
  } else {
    authentication.spf = co_await check_spf(dns, std::move(origin), now);
  }
  authentication.arc = co_await check_arc(dns, raw, now);
  co_await judge_dmarc(dns, raw, authentication);
  co_return authentication;
}

}  // namespace countersign::mailauth
