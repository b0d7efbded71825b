// The PROXY protocol header: however it is cut, the same verdict, the same client, and no byte behind it is
// read.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/assert.hpp"
#include "inbound/smtp/proxy_header.hpp"

using countersign::inbound::smtp::ProxyHeader;

namespace {

struct Heard {
  ProxyHeader header;
  ProxyHeader::State state = ProxyHeader::State::unfinished;
  std::size_t bytes = 0;
};

Heard hear(std::string_view input, std::size_t piece) {
  Heard heard;
  while (heard.state == ProxyHeader::State::unfinished && heard.bytes < input.size()) {
    const std::size_t wanted = heard.header.wanted();
    CS_ASSERT(wanted > 0);
    const std::string_view bytes = input.substr(heard.bytes, std::min(piece, wanted));
    heard.state = heard.header.read(bytes);
    heard.bytes += bytes.size();
  }
  return heard;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Heard whole = hear(input, input.size());
  const Heard bytes = hear(input, 1);
  CS_ASSERT(whole.state == bytes.state && whole.header.client() == bytes.header.client());
  if (whole.state == ProxyHeader::State::finished) CS_ASSERT(whole.bytes == bytes.bytes);
  CS_ASSERT(whole.state == ProxyHeader::State::finished || !whole.header.client());
  return 0;
}
