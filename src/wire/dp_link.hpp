// JSON of the site's conversation with a distribution point under /farpoint/dp/v1/ (docs/protocol/distribution.md).
// Any thread; pure. Costs one JSON parse. Sizes and counts are capped by limits::kManifest*.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::wire {

// Chunks of one file that the receiver still wants, as runs {first, count}.
struct ChunkRun {
  std::int64_t first = 0;
  std::int64_t count = 0;
  bool operator==(const ChunkRun&) const = default;
};
struct MissingFile {
  std::string sha256;  // lower-case hex of the whole file
  std::vector<ChunkRun> runs;
  bool operator==(const MissingFile&) const = default;
};
[[nodiscard]] std::string encode_missing(const std::vector<MissingFile>& files);
[[nodiscard]] Result<std::vector<MissingFile>> decode_missing(std::string_view json);

struct FindingLine {
  std::string content_id, path, sha256, problem;  // problem: "missing", "wrong size", "wrong hash", "unreadable"
};
[[nodiscard]] std::string encode_findings(const std::vector<FindingLine>& findings);
[[nodiscard]] Result<std::vector<FindingLine>> decode_findings(std::string_view json);

struct HeldContent {
  std::string content_id, root_hash;
  std::string state;   // "ok", "corrupt", "receiving", "pulling", "failed", "absent"
  std::string detail;  // one sentence
  std::int64_t bytes = 0, bytes_done = 0;
};
struct DpStatus {
  std::vector<HeldContent> contents;
  std::int64_t free_bytes = 0;
};
[[nodiscard]] std::string encode_held(const HeldContent& content);
[[nodiscard]] Result<HeldContent> decode_held(std::string_view json);
[[nodiscard]] std::string encode_dp_status(const DpStatus& status);
[[nodiscard]] Result<DpStatus> decode_dp_status(std::string_view json);

// What the site tells a pull distribution point: fetch this content from one of these, first is tried first.
struct PullOrder {
  std::string content_id, root_hash;
  std::vector<std::string> source_urls;  // "https://dp1.example:443"
};
[[nodiscard]] std::string encode_pull_order(const PullOrder& order);
[[nodiscard]] Result<PullOrder> decode_pull_order(std::string_view json);

}  // namespace fp::wire
