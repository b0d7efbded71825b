// A connection that leaves HTTP for another protocol (RFC 9110 §7.8).
#pragma once

#include "net/socket.hpp"

namespace countersign::net {

/// Who goes on with the connection when a request was answered with one of these (Response::takeover).
class Takeover {
 public:
  virtual ~Takeover() = default;
  /// Called once, on the socket's strand, before anything was answered: the 101 is the new owner's to write.
  /// The server knows the connection no more, so that drain() does not wait for it.
  virtual void take(Socket socket) = 0;
};

}  // namespace countersign::net
