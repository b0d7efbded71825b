// What screening found, in the forms of the contract: protection findings and the reason of a hold.
#pragma once

#include <boost/json/array.hpp>
#include <string>
#include <string_view>

#include "screen/screen.hpp"

namespace countersign::hold {

enum class Direction : std::uint8_t { inbound, outbound };

/// Entries of the contract's `protection` (ProtectionFindingView), source `scan`: one for the content rules
/// and one for the detector when it had something to say; empty without findings. verdict    what was
/// decided; `pass` leaves `action` out detector   name of the outside detector, "" when none is asked
[[nodiscard]] boost::json::array findings_json(const screen::Report& report, screen::Verdict verdict,
                                               std::string_view detector);

/// The contract's HoldReasonView, type `scan`, code inbound_scan or outbound_scan, in the form of
/// hold_reason_json. The report holds at least one finding.
[[nodiscard]] std::string scan_reason_json(const screen::Report& report, Direction direction);

}  // namespace countersign::hold
