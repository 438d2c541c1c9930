#include "wire/dp_link.hpp"

#include <boost/json/serialize.hpp>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/json_input.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kLinkBytesMax = 64U << 20;
constexpr std::size_t kRunsMax = 1'000'000;
constexpr std::size_t kSourcesMax = 64;
constexpr std::int64_t kChunkIndexMax = std::int64_t{1} << 40;

boost::json::object held_object(const HeldContent& content) {
  return {{"content_id", content.content_id}, {"root_hash", content.root_hash},   {"state", content.state},
          {"detail", content.detail},         {"bytes", content.bytes},           {"bytes_done", content.bytes_done}};
}

Result<HeldContent> held_from(const boost::json::object& object) {
  FP_TRY(content_id_text, json_string(object, "content_id"));
  FP_TRY(content_id, parse_content_id(content_id_text));
  FP_TRY(root_hash, json_string(object, "root_hash"));
  FP_TRY(state, json_string(object, "state"));
  FP_TRY(detail, json_string(object, "detail"));
  FP_TRY(bytes, json_int(object, "bytes"));
  FP_TRY(bytes_done, json_int(object, "bytes_done"));
  if (!root_hash.empty()) FP_CHECK(check_sha256(root_hash, "root_hash"));
  if (state.size() > 20 || detail.size() > 4096 || !is_utf8(detail)) return fail(Code::invalid, "state or detail is too long");
  return HeldContent{content_id, root_hash, state, detail, bytes, bytes_done};
}

Result<MissingFile> missing_from(const boost::json::value& value) {
  FP_TRY(object, json_object(value, "a missing file"));
  FP_TRY(sha256, json_string(*object, "sha256"));
  FP_CHECK(check_sha256(sha256, "sha256"));
  FP_TRY(runs, json_array(*object, "chunks"));
  if (runs->size() > kRunsMax) return fail(Code::too_large, "{} runs of chunks", runs->size());
  MissingFile file{std::move(sha256), {}};
  for (const auto& run : *runs) {
    if (!run.is_array() || run.get_array().size() != 2 || !run.get_array()[0].is_int64() || !run.get_array()[1].is_int64())
      return fail(Code::invalid, "a run of chunks that is not [first, count]");
    const ChunkRun read{run.get_array()[0].get_int64(), run.get_array()[1].get_int64()};
    if (read.first < 0 || read.count < 1 || read.first > kChunkIndexMax || read.count > kChunkIndexMax)
      return fail(Code::invalid, "a run of chunks out of range");
    file.runs.push_back(read);
  }
  return file;
}

}  // namespace

std::string encode_missing(const std::vector<MissingFile>& files) {
  boost::json::array list;
  for (const auto& file : files) {
    boost::json::array runs;
    for (const auto& run : file.runs) runs.push_back(boost::json::array{run.first, run.count});
    list.push_back(boost::json::object{{"sha256", file.sha256}, {"chunks", std::move(runs)}});
  }
  return boost::json::serialize(boost::json::object{{"files", std::move(list)}});
}

Result<std::vector<MissingFile>> decode_missing(std::string_view json) {
  FP_TRY(object, json_input(json, kLinkBytesMax));
  FP_TRY(list, json_array(object, "files"));
  if (list->size() > limits::kManifestFilesMax) return fail(Code::too_large, "{} missing files", list->size());
  std::vector<MissingFile> out;
  for (const auto& value : *list) {
    FP_TRY(file, missing_from(value));
    out.push_back(std::move(file));
  }
  return out;
}

std::string encode_findings(const std::vector<FindingLine>& findings) {
  boost::json::array list;
  for (const auto& f : findings)
    list.push_back(boost::json::object{
        {"content_id", f.content_id}, {"path", f.path}, {"sha256", f.sha256}, {"problem", f.problem}});
  return boost::json::serialize(boost::json::object{{"findings", std::move(list)}});
}

Result<std::vector<FindingLine>> decode_findings(std::string_view json) {
  FP_TRY(object, json_input(json, kLinkBytesMax));
  FP_TRY(list, json_array(object, "findings"));
  if (list->size() > limits::kManifestFilesMax) return fail(Code::too_large, "{} findings", list->size());
  std::vector<FindingLine> out;
  for (const auto& value : *list) {
    FP_TRY(line, json_object(value, "a finding"));
    FP_TRY(content_id_text, json_string(*line, "content_id"));
    FP_TRY(content_id, parse_content_id(content_id_text));
    FP_TRY(path_text, json_string(*line, "path"));
    FP_TRY(path, parse_relative_path(path_text));
    FP_TRY(sha256, json_string(*line, "sha256"));
    FP_CHECK(check_sha256(sha256, "sha256"));
    FP_TRY(problem, json_string(*line, "problem"));
    FP_TRY(problem_name, parse_name(problem, 40));
    out.push_back({content_id, path, sha256, problem_name});
  }
  return out;
}

std::string encode_held(const HeldContent& content) { return boost::json::serialize(held_object(content)); }

Result<HeldContent> decode_held(std::string_view json) {
  FP_TRY(object, json_input(json, 64U << 10));
  return held_from(object);
}

std::string encode_dp_status(const DpStatus& status) {
  boost::json::array list;
  for (const auto& content : status.contents) list.push_back(held_object(content));
  return boost::json::serialize(boost::json::object{{"free_bytes", status.free_bytes}, {"contents", std::move(list)}});
}

Result<DpStatus> decode_dp_status(std::string_view json) {
  FP_TRY(object, json_input(json, kLinkBytesMax));
  DpStatus out;
  FP_TRY(free_bytes, json_int(object, "free_bytes"));
  FP_TRY(list, json_array(object, "contents"));
  if (list->size() > limits::kManifestFilesMax) return fail(Code::too_large, "{} contents", list->size());
  out.free_bytes = free_bytes;
  for (const auto& value : *list) {
    FP_TRY(content, json_object(value, "a content"));
    FP_TRY(held, held_from(*content));
    out.contents.push_back(std::move(held));
  }
  return out;
}

std::string encode_pull_order(const PullOrder& order) {
  boost::json::array sources;
  for (const auto& url : order.source_urls) sources.emplace_back(url);
  return boost::json::serialize(boost::json::object{
      {"content_id", order.content_id}, {"root_hash", order.root_hash}, {"sources", std::move(sources)}});
}

Result<PullOrder> decode_pull_order(std::string_view json) {
  FP_TRY(object, json_input(json, 64U << 10));
  FP_TRY(content_id_text, json_string(object, "content_id"));
  FP_TRY(content_id, parse_content_id(content_id_text));
  FP_TRY(root_hash, json_string(object, "root_hash"));
  FP_CHECK(check_sha256(root_hash, "root_hash"));
  FP_TRY(sources, json_array(object, "sources"));
  if (sources->size() > kSourcesMax) return fail(Code::too_large, "{} sources", sources->size());
  PullOrder out{content_id, root_hash, {}};
  for (const auto& value : *sources) {
    if (!value.is_string()) return fail(Code::invalid, "a source that is no text");
    const std::string_view url(value.get_string().data(), value.get_string().size());
    if ((!url.starts_with("https://") && !url.starts_with("http://")) || url.size() > 512 ||
        url.find_first_of(" \r\n\t?#@") != std::string_view::npos || !is_utf8(url))
      return fail(Code::invalid, "a source that is no URL: {:.80}", url);
    out.source_urls.emplace_back(url);
  }
  return out;
}

}  // namespace fp::wire
