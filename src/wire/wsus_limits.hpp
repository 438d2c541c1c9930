// Limits of software updates on the wire: what a scan may ask and bring, what a repository's indexes may hold.
#pragma once
#include <cstddef>
#include <cstdint>

namespace fp::wire::wsus_limits {

// MS-WUSP (docs/protocol/updates.md)
inline constexpr std::size_t kRequestBytesMax = 2U << 20;
inline constexpr std::size_t kReplyBytesMax = 8U << 20;
inline constexpr int kDepthMax = 24;
inline constexpr std::size_t kNodesMax = 200'000;
inline constexpr std::size_t kPageUpdatesMax = 30;            // in one reply to SyncUpdates
inline constexpr std::size_t kInstalledIdsMax = 400;          // InstalledNonLeafUpdateIDs
inline constexpr std::size_t kCachedIdsMax = 60'000;          // OtherCachedUpdateIDs
inline constexpr std::size_t kExtendedIdsMax = 50;            // GetExtendedUpdateInfo
inline constexpr std::size_t kCategoriesMax = 199;            // StartCategoryScan
inline constexpr std::size_t kDigestsMax = 100;               // GetFileLocations
inline constexpr std::size_t kEventsMax = 100;                // ReportEventBatch
inline constexpr std::size_t kTextBytesMax = 1024;            // of a name, a cookie's part, a reported word
inline constexpr std::size_t kCookieBytesMax = 1024;
inline constexpr std::size_t kFragmentBytesMax = 64U << 10;
inline constexpr int kRuleDepthMax = 8;
inline constexpr std::size_t kRuleOperandsMax = 64;
inline constexpr std::size_t kClausesMax = 32;                // prerequisites of an update ...
inline constexpr std::size_t kClauseIdsMax = 64;              // ... and members of one

// Repositories
inline constexpr std::size_t kReleaseBytesMax = 4U << 20;     // InRelease
inline constexpr std::size_t kReleaseFilesMax = 50'000;
inline constexpr std::size_t kIndexBytesMax = 64U << 20;      // Packages as it is fetched
inline constexpr std::size_t kIndexTextBytesMax = 256U << 20; // and unpacked
inline constexpr std::size_t kStanzasMax = 200'000;
inline constexpr std::size_t kUpdatesMax = 20'000;            // of the whole catalogue: what a client can name in one request

}  // namespace fp::wire::wsus_limits
