// Every limit on what comes from outside, named, with its unit last (rules 3 and 8).
#pragma once
#include <cstddef>
#include <cstdint>

namespace fp::limits {

// HTTP
inline constexpr std::size_t kHeaderBytesMax = 32U << 10;      // all request headers together
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

// identity and time
inline constexpr std::int64_t kClockSkewMs = 5 * 60 * 1000;
inline constexpr std::size_t kReplayEntriesMax = 1'000'000;

// content
inline constexpr std::size_t kChunkBytes = 1U << 20;
inline constexpr std::size_t kManifestFilesMax = 200'000;
inline constexpr std::size_t kManifestBytesMax = 64U << 20;

}  // namespace fp::limits
