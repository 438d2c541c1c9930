// Every limit on what comes from outside, named, with its unit last (rules 3 and 8).
#pragma once
#include <cstddef>
#include <cstdint>

namespace fp::limits {

// HTTP
inline constexpr std::size_t kHeaderBytesMax = 68U << 10;      // all request headers together; a large ticket alone is 64 KiB (protocols.md §5)
inline constexpr std::size_t kMessageBodyBytesMax = 8U << 20;  // a CCM_POST body
inline constexpr std::size_t kBitsFragmentBytesMax = 16U << 20;
inline constexpr std::size_t kUploadBytesMax = 256U << 20;     // one BITS upload
inline constexpr std::size_t kAdminBodyBytesMax = 16U << 20;
inline constexpr std::size_t kTargetBytesMax = 8U << 10;       // request target
inline constexpr std::size_t kRangesMax = 32;                  // ranges in one Range header

// the CCM envelope
inline constexpr std::size_t kPartsMax = 4;
inline constexpr std::size_t kInflatedBytesMax = 32U << 20;
inline constexpr std::size_t kXmlBytesMax = 32U << 20;
inline constexpr int kXmlDepthMax = 64;
inline constexpr std::size_t kXmlNodesMax = 500'000;
inline constexpr std::size_t kCertificateBytesMax = 16U << 10;
inline constexpr std::size_t kCrlBytesMax = 32U << 20;
inline constexpr std::size_t kAttachmentsMax = 16;
inline constexpr std::size_t kPropertiesMax = 256;
inline constexpr std::size_t kStateMessagesMax = 5000;  // in one report
inline constexpr std::size_t kInstancesMax = 100'000;   // in one inventory report

// the site link (docs/protocol/site-link.md)
inline constexpr std::size_t kLinkFrameBytesMax = 200U << 10;   // a head with the certificates of the client is the largest
inline constexpr std::size_t kLinkWindowBytes = 256U << 10;     // of a body, sent before its receiver grants more
inline constexpr std::size_t kLinkStreamsMax = 256;             // requests at once, of each end
inline constexpr std::size_t kLinkBodiesBytesMax = 256U << 20;  // of requests that are still coming, of one connection
inline constexpr std::size_t kLinkHeadersMax = 200;
inline constexpr std::size_t kLinkChainMax = 16;                // certificates
inline constexpr std::int64_t kLinkReplyBytesMax = std::int64_t{4} << 30;

// Windows logins (docs/windows-auth.md)
inline constexpr std::size_t kLoginTokenBytesMax = 48U << 10;  // one step, decoded; what Windows makes at most
inline constexpr int kLoginStepsMax = 8;
inline constexpr std::int64_t kLoginStepMs = 60 * 1000;        // from the first step to the last
inline constexpr std::int64_t kLoginLifeMs = 3600 * 1000;      // of a login on its connection
inline constexpr int kLoginsMax = 1024;                        // begun and not ended, in all

// identity and time
inline constexpr std::int64_t kClockSkewMs = 5 * 60 * 1000;
inline constexpr std::size_t kReplayEntriesMax = 1'000'000;
inline constexpr std::size_t kReplayEntriesOfOneClientMax = 2'000;

// content
inline constexpr std::size_t kChunkBytes = 1U << 20;
inline constexpr std::size_t kManifestFilesMax = 200'000;
inline constexpr std::size_t kManifestBytesMax = 64U << 20;
inline constexpr std::size_t kBlockedDevicesMax = 200'000;  // that a distribution point is told of
inline constexpr std::size_t kDpTrustBytesMax = 48U << 20;

// fallback status point: what anybody on the internet may send (wire.md §12)
inline constexpr std::size_t kFallbackBodyBytesMax = 64U << 10;
inline constexpr std::size_t kFallbackStatesMax = 32;             // in one message
inline constexpr std::size_t kFallbackParametersMax = 16;
inline constexpr std::size_t kFallbackTextBytesMax = 4U << 10;    // of a parameter, of the details
inline constexpr std::size_t kFallbackAddressesMax = 10'000;      // senders that the throttle tells apart
inline constexpr std::size_t kFallbackBatchMax = 500;             // messages that the site fetches at once ...
inline constexpr std::size_t kFallbackBatchBytesMax = 4U << 20;   // ... and their bodies together
inline constexpr std::int64_t kFallbackRowsMax = 200'000;         // that the site keeps; the oldest go first

}  // namespace fp::limits
