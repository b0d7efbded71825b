#include "provider/http_reply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "provider/smtp/response.hpp"

namespace countersign::provider {
namespace {

constexpr std::size_t kProviderIdBytesMax = 256;

Reply ruled(Ruling ruling, Phase phase, int code, std::string_view text) {
  Reply reply;
  reply.verdict = ruling.verdict;
  reply.scope = ruling.scope;
  reply.phase = phase;
  reply.code = code;
  reply.text = smtp::presentable(text, kReplyTextBytesMax);
  reply.fence_passed = true;
  return reply;
}

Phase phase_of(const net::HttpFailure& failure) {
  switch (failure.sent) {
    case net::Sent::nothing:
      return failure.fault == net::HttpFault::tls ? Phase::tls : Phase::connect;
    case net::Sent::part:
      return Phase::body;
    case net::Sent::all:
      return Phase::request;
  }
  return Phase::request;
}

}  // namespace

Reply unanswered(const net::HttpFailure& failure, std::string_view whom) {
  const Phase phase = phase_of(failure);
  std::string text = fmt::format("{}: {} ({})", whom, failure.text, net::to_string(failure.fault));
  if (failure.status != 0) text += fmt::format("; an answer with status {} broke off", failure.status);
  return ruled(rule(phase, kNoAnswer), phase, kNoAnswer, text);
}

Reply answered(Service service, const ReadAnswer& answer) {
  const std::string said =
      answer.error_name.empty() ? answer.text : fmt::format("{}: {}", answer.error_name, answer.text);
  const Ruling ruling = rule(service, answer.status, answer.error_name);
  Reply reply = ruled(ruling, Phase::request, answer.status, said);
  if (ruling.verdict != Verdict::accepted) return reply;
  reply.provider_message_id = smtp::presentable(answer.message_id, kProviderIdBytesMax);
  if (reply.provider_message_id.empty()) {
    reply.verdict = Verdict::unknown;
    reply.text =
        fmt::format("status {} without a message id, which is not how the provider answers", answer.status);
  }
  return reply;
}

std::string text_member(const boost::json::value& value, std::initializer_list<std::string_view> names) {
  const auto* object = value.if_object();
  for (const std::string_view name : names) {
    const auto* member = object != nullptr ? object->if_contains(name) : nullptr;
    if (member != nullptr && member->is_string()) return std::string(member->get_string());
  }
  return {};
}

Reply not_begun(Phase phase, std::string_view text) {
  Reply reply = ruled({Scope::session, Verdict::session_fault}, phase, kNoAnswer, text);
  reply.fence_passed = false;
  return reply;
}

Reply refused_here(std::string_view text) {
  Reply reply = ruled({Scope::message, Verdict::refused}, Phase::request, kNoAnswer, text);
  reply.fence_passed = false;
  return reply;
}

Reply lease_lost() {
  Reply reply = ruled({Scope::message, Verdict::lost_lease}, Phase::request, kNoAnswer,
                      "the lease was lost before the request");
  reply.fence_passed = false;
  return reply;
}

bool is_endpoint(std::string_view url) noexcept {
  constexpr std::array<std::string_view, 3> kHere{"127.0.0.1", "localhost", "[::1]"};
  if (url.find_first_of(" \t\r\n?#@\\") != std::string_view::npos) return false;
  if (url.starts_with("https://")) return url.size() > 8 && url[8] != '/';
  if (!url.starts_with("http://")) return false;
  const std::string_view authority = url.substr(7, url.substr(7).find('/'));
  return std::ranges::any_of(kHere, [&](std::string_view host) {
    return authority.starts_with(host) && (authority.size() == host.size() || authority[host.size()] == ':');
  });
}

}  // namespace countersign::provider
