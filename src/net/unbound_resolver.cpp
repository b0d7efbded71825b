#include "net/unbound_resolver.hpp"

#include <fmt/format.h>
#include <unbound.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <map>
#include <string_view>
#include <unordered_map>

#include "base/error.hpp"
#include "base/text.hpp"

namespace countersign::net {
namespace {

namespace asio = boost::asio;

// RFC 1035 §3.2.2, RFC 3596 §2.1
constexpr int kTypeA = 1;
constexpr int kTypePtr = 12;
constexpr int kTypeMx = 15;
constexpr int kTypeTxt = 16;
constexpr int kTypeAaaa = 28;
constexpr int kClassIn = 1;
constexpr int kNoSuchName = 3;  // RCODE, RFC 1035 §4.1.1

constexpr std::size_t kRecordsMax = 256;  // of an answer; the rest is left out
// libunbound's own cache lies behind a thread: two messages to it, two back. What was answered lately is
// known on this side, for a part of its TTL.
constexpr std::size_t kMemoriesMax = 2'000;
constexpr std::size_t kMemoryBytesMax = 2'000;  // of one
constexpr std::size_t kMemoryPart = 4;          // of the room for answers
constexpr std::chrono::seconds kMemoryTime{30};

constexpr std::size_t kLabelBytesMax = 63;
constexpr std::size_t kNameBytesMax = 253;

// RFC 1035 §2.3.4. Any octet may stand in a label, but text that ends a C string may not.
bool is_name(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.empty() || name.size() > kNameBytesMax || name.find('\0') != std::string_view::npos) return false;
  while (!name.empty()) {
    const std::size_t dot = name.find('.');
    const std::size_t length = dot == std::string_view::npos ? name.size() : dot;
    if (length == 0 || length > kLabelBytesMax) return false;
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
    if (name.empty()) return false;
  }
  return true;
}

// RFC 1035 §3.3.14: a sequence of counted strings, which belong together without anything between them.
std::string joined_strings(std::string_view data) {
  std::string out;
  while (!data.empty()) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(data.front()));
    data.remove_prefix(1);
    out += data.substr(0, length);
    data.remove_prefix(std::min(length, data.size()));
  }
  return out;
}

// A name in wire form; libunbound has expanded what was compressed.
std::string name_from(std::string_view data) {
  std::string out;
  while (!data.empty()) {
    const auto length = static_cast<std::size_t>(static_cast<unsigned char>(data.front()));
    data.remove_prefix(1);
    if (length == 0 || length > data.size()) break;
    if (!out.empty()) out += '.';
    out += data.substr(0, length);
    data.remove_prefix(length);
  }
  return ascii_lower(out);
}

void check(int code, std::string_view what) {
  if (code == 0) return;
  throw EnvironmentError(fmt::format("DNS: {}: {}", what, ub_strerror(code)), false);
}

struct UnboundRecords {
  DnsStatus status = DnsStatus::failed;
  std::vector<std::string> records;
};

}  // namespace

class UnboundResolver::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(asio::any_io_executor executor, UnboundOptions options)
      : executor_(std::move(executor)), options_(std::move(options)), descriptor_(executor_) {
    context_.reset(ub_ctx_create());
    if (!context_) throw EnvironmentError("DNS: no memory", false);
    check(ub_ctx_async(context_.get(), 1), "threads");  // before local data (stack.md)
    // A server on this machine may be asked, and what it says of private addresses counts.
    check(ub_ctx_set_option(context_.get(), "do-not-query-localhost:", "no"), "do-not-query-localhost");
    check(ub_ctx_set_option(context_.get(), "module-config:", "iterator"), "module-config");
    const auto cache_bytes = std::to_string(options_.cache_bytes_max);
    check(ub_ctx_set_option(context_.get(), "msg-cache-size:", cache_bytes.c_str()), "msg-cache-size");
    check(ub_ctx_set_option(context_.get(), "rrset-cache-size:", cache_bytes.c_str()), "rrset-cache-size");
    for (const std::string& server : options_.servers) {
      check(ub_ctx_set_fwd(context_.get(), server.c_str()), server);
    }
    if (options_.servers.empty()) {
      const int code = ub_ctx_resolvconf(context_.get(), "/etc/resolv.conf");
      if (code != UB_READFILE) check(code, "/etc/resolv.conf");
    }
    for (const std::string& record : options_.local_data) {
      check(ub_ctx_data_add(context_.get(), record.c_str()), record);
    }
    descriptor_.assign(ub_fd(context_.get()));
  }

  void close() {
    descriptor_.release();  // libunbound owns it
    context_.reset();
    for (auto& [number, question] : questions_) question->bell.cancel();
  }

  void listen() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [weak = weak_from_this()](const boost::system::error_code& error) {
                             const auto self = weak.lock();
                             if (error || !self || !self->context_) return;
                             ub_process(self->context_.get());
                             self->listen();
                           });
  }

  asio::awaitable<UnboundRecords> ask(std::string name, int type) {
    if (!is_name(name)) co_return UnboundRecords{DnsStatus::no_such_name, {}};
    const std::string key = fmt::format("{} {}", type, ascii_lower(name));
    if (const UnboundRecords* known = remembered(key)) co_return *known;
    if (questions_.size() >= options_.in_flight_max || !context_) co_return UnboundRecords{};
    const auto self = shared_from_this();
    const auto question = std::make_shared<Question>(executor_);
    question->number = next_++;
    question->owner = this;
    questions_.emplace(question->number, question);
    question->bell.expires_after(options_.timeout);
    const int code = ub_resolve_async(context_.get(), name.c_str(), type, kClassIn, question.get(),
                                      &Impl::answered, &question->id);
    if (code == 0) co_await question->bell.async_wait(asio::as_tuple(asio::use_awaitable));
    if (code == 0 && !question->done && context_) ub_cancel(context_.get(), question->id);
    questions_.erase(question->number);
    remember(key, *question);
    co_return std::move(question->answer);
  }

 private:
  struct Question {
    explicit Question(const asio::any_io_executor& executor) : bell(executor) {}
    asio::steady_timer bell;
    Impl* owner = nullptr;
    std::uint64_t number = 0;
    int id = 0;
    bool done = false;
    std::chrono::seconds ttl{0};
    UnboundRecords answer;
  };
  struct Memory {
    UnboundRecords answer;
    std::chrono::steady_clock::time_point until;
    std::size_t bytes = 0;
  };

  const UnboundRecords* remembered(const std::string& key) {
    const auto found = memories_.find(key);
    if (found == memories_.end()) return nullptr;
    if (found->second.until > std::chrono::steady_clock::now()) return &found->second.answer;
    memory_bytes_ -= found->second.bytes;
    memories_.erase(found);
    return nullptr;
  }

  void remember(const std::string& key, const Question& question) {
    if (question.answer.status == DnsStatus::failed || question.ttl <= std::chrono::seconds(0)) return;
    std::size_t bytes = key.size();
    for (const std::string& record : question.answer.records) bytes += record.size();
    if (bytes > kMemoryBytesMax) return;
    if (const auto known = memories_.find(key); known != memories_.end()) {  // two asked at the same time
      memory_bytes_ -= known->second.bytes;
      memories_.erase(known);
    }
    if (memories_.size() >= kMemoriesMax || memory_bytes_ + bytes > options_.cache_bytes_max / kMemoryPart) {
      memories_.clear();
      memory_bytes_ = 0;
    }
    const auto until = std::chrono::steady_clock::now() + std::min(question.ttl, kMemoryTime);
    memories_.emplace(key, Memory{question.answer, until, bytes});
    memory_bytes_ += bytes;
  }

  struct Delete {
    void operator()(ub_ctx* context) const noexcept { ub_ctx_delete(context); }
    void operator()(ub_result* result) const noexcept { ub_resolve_free(result); }
  };

  static void answered(void* data, int error, ub_result* result) {
    const std::unique_ptr<ub_result, Delete> owned(result);
    auto& question = *static_cast<Question*>(data);
    question.done = true;
    if (error == 0 && result != nullptr) {
      read(*result, question.answer);
      question.ttl = std::chrono::seconds(result->ttl);
    }
    question.bell.cancel();
  }

  static void read(const ub_result& result, UnboundRecords& out) {
    if (result.bogus != 0) return;
    if (result.rcode == kNoSuchName || result.nxdomain != 0) {
      out.status = DnsStatus::no_such_name;
    } else if (result.rcode == 0) {
      for (std::size_t i = 0; result.data[i] != nullptr && i < kRecordsMax; ++i) {
        out.records.emplace_back(result.data[i], static_cast<std::size_t>(result.len[i]));
      }
      out.status = out.records.empty() ? DnsStatus::no_data : DnsStatus::found;
    }
  }

  const asio::any_io_executor executor_;
  const UnboundOptions options_;
  std::unique_ptr<ub_ctx, Delete> context_;
  asio::posix::stream_descriptor descriptor_;
  std::map<std::uint64_t, std::shared_ptr<Question>> questions_;
  std::unordered_map<std::string, Memory> memories_;
  std::size_t memory_bytes_ = 0;
  std::uint64_t next_ = 1;
};

UnboundResolver::UnboundResolver(asio::any_io_executor executor, UnboundOptions options)
    : impl_(std::make_shared<Impl>(std::move(executor), std::move(options))) {
  impl_->listen();
}
UnboundResolver::~UnboundResolver() { impl_->close(); }

namespace {

template <std::size_t Size, class Make>
DnsAnswer<asio::ip::address> addresses_of(UnboundRecords raw) {
  DnsAnswer<asio::ip::address> out{raw.status, {}};
  for (const std::string& record : raw.records) {
    typename Make::bytes_type bytes{};
    if (record.size() != Size) continue;
    std::ranges::copy(record, bytes.begin());
    out.records.emplace_back(Make(bytes));
  }
  return out;
}

std::string reverse_name(const asio::ip::address& address) {
  std::string out;
  if (address.is_v4()) {
    const auto bytes = address.to_v4().to_bytes();
    return fmt::format("{}.{}.{}.{}.in-addr.arpa", bytes[3], bytes[2], bytes[1], bytes[0]);
  }
  const auto bytes = address.to_v6().to_bytes();
  for (std::size_t i = bytes.size(); i-- > 0;) {
    out += fmt::format("{:x}.{:x}.", bytes[i] & 0xf, bytes[i] >> 4);
  }
  return out + "ip6.arpa";
}

}  // namespace

asio::awaitable<DnsAnswer<std::string>> UnboundResolver::txt(std::string name) {
  UnboundRecords raw = co_await impl_->ask(std::move(name), kTypeTxt);
  DnsAnswer<std::string> out{raw.status, {}};
  for (const std::string& record : raw.records) out.records.push_back(joined_strings(record));
  co_return out;
}

asio::awaitable<DnsAnswer<asio::ip::address>> UnboundResolver::a(std::string name) {
  UnboundRecords raw = co_await impl_->ask(std::move(name), kTypeA);
  co_return addresses_of<4, asio::ip::address_v4>(std::move(raw));
}

asio::awaitable<DnsAnswer<asio::ip::address>> UnboundResolver::aaaa(std::string name) {
  UnboundRecords raw = co_await impl_->ask(std::move(name), kTypeAaaa);
  co_return addresses_of<16, asio::ip::address_v6>(std::move(raw));
}

asio::awaitable<DnsAnswer<MxRecord>> UnboundResolver::mx(std::string name) {
  UnboundRecords raw = co_await impl_->ask(std::move(name), kTypeMx);
  DnsAnswer<MxRecord> out{raw.status, {}};
  for (const std::string& record : raw.records) {
    if (record.size() < 3) continue;
    const auto high = static_cast<unsigned char>(record[0]);
    const auto low = static_cast<unsigned char>(record[1]);
    out.records.push_back(
        {static_cast<std::uint16_t>((high << 8U) | low), name_from(std::string_view(record).substr(2))});
  }
  co_return out;
}

asio::awaitable<DnsAnswer<std::string>> UnboundResolver::ptr(asio::ip::address address) {
  UnboundRecords raw = co_await impl_->ask(reverse_name(address), kTypePtr);
  DnsAnswer<std::string> out{raw.status, {}};
  for (const std::string& record : raw.records) out.records.push_back(name_from(record));
  co_return out;
}

}  // namespace countersign::net
