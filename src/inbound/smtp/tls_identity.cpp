#include "inbound/smtp/tls_identity.hpp"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/log.hpp"

namespace countersign::inbound::smtp {
namespace {

constexpr std::chrono::seconds kLookInterval{1};

std::string openssl_reason() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

std::shared_ptr<SSL_CTX> make_context(const std::string& certificate_file, const std::string& key_file) {
  ERR_clear_error();
  std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const auto fail = [](const std::string& what) {
    throw EnvironmentError(what + ": " + openssl_reason(), false);
  };
  if (!context) fail("cannot set TLS up");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);  // RFC 8996
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // Idle connections keep no record buffers; a write that would block is repeated from another address.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  constexpr std::array<unsigned char, 4> kSessionScope{'s', 'm', 't', 'p'};
  SSL_CTX_set_session_id_context(context.get(), kSessionScope.data(), kSessionScope.size());
  if (SSL_CTX_use_certificate_chain_file(context.get(), certificate_file.c_str()) != 1) {
    fail("cannot use the certificate in " + certificate_file);
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    fail("cannot use the key in " + key_file);
  }
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    fail("the key in " + key_file + " is not that of the certificate in " + certificate_file);
  }
  return context;
}

std::string state_of(const std::string& file) {
  struct stat status{};
  if (::stat(file.c_str(), &status) != 0) return "missing";
  return fmt::format("{}:{}:{}:{}.{}", status.st_dev, status.st_ino, status.st_size, status.st_mtim.tv_sec,
                     status.st_mtim.tv_nsec);
}

}  // namespace

TlsIdentity::TlsIdentity(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {
  loaded_state_ = state_of_files();
  context_ = make_context(certificate_file_, key_file_);
}

std::shared_ptr<ssl_ctx_st> TlsIdentity::context(std::chrono::steady_clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (now - looked_at_ >= kLookInterval) {
    looked_at_ = now;
    const std::string state = state_of_files();
    if (state != loaded_state_) load(state);
  }
  return context_;
}

bool TlsIdentity::reload() {
  const std::lock_guard lock(mutex_);
  return load(state_of_files());
}

std::string TlsIdentity::state_of_files() const {
  return state_of(certificate_file_) + " " + state_of(key_file_);
}

bool TlsIdentity::load(const std::string& state) {
  loaded_state_ = state;
  try {
    context_ = make_context(certificate_file_, key_file_);
    log::info("smtp.certificate_reloaded", {{"file", certificate_file_}});
    return true;
  } catch (const EnvironmentError& error) {
    log::error("smtp.certificate_unusable", {{"error", error.what()}});
    return false;
  }
}

}  // namespace countersign::inbound::smtp
