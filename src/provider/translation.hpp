// Between the outbox, which knows attempts, and the transports, which know messages.
#pragma once

#include <string_view>

#include "outbox/outbox.hpp"
#include "provider/transport.hpp"

namespace countersign::provider {

/// What is written down of a reply. Its verdict is one that settles an attempt or leaves it unknown.
[[nodiscard]] outbox::Answer answer_of(const Reply& reply, std::string_view provider,
                                       TransportClass transport_class);
/// What a transport is given of an attempt.
[[nodiscard]] HandOver hand_over_of(outbox::Work work);

}  // namespace countersign::provider
