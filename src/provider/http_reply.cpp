#include "provider/http_reply.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "provider/smtp/response.hpp"

namespace countersign::provider {
namespace {

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

Reply answered(Service service, int status, std::string_view error_name, std::string_view text) {
  const std::string said = error_name.empty() ? std::string(text) : fmt::format("{}: {}", error_name, text);
  return ruled(rule(service, status, error_name), Phase::request, status, said);
}

Reply not_begun(Phase phase, std::string_view text) {
  Reply reply = ruled({Scope::session, Verdict::session_fault}, phase, kNoAnswer, text);
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
