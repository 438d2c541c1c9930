#include "wire/manifest.hpp"

#include <boost/json/serialize.hpp>

#include <unordered_map>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "wire/json_input.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kFormat = "farpoint-manifest-v1";
constexpr std::int64_t kFileBytesMax = std::int64_t{1} << 50;

std::int64_t chunks_of(std::int64_t size, std::int64_t chunk_bytes) { return (size + chunk_bytes - 1) / chunk_bytes; }

Status check_file(const ManifestFile& file, std::int64_t chunk_bytes) {
  FP_TRY(path, parse_relative_path(file.path));
  if (path != file.path) return fail(Code::invalid, "manifest: {}: not a relative path", file.path);
  for (const char c : file.path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F)
      return fail(Code::invalid, "manifest: a path with a control character");
  if (file.size < 0 || file.size > kFileBytesMax) return fail(Code::invalid, "manifest: {}: size {}", file.path, file.size);
  FP_CHECK(check_sha256(file.sha256, file.path));
  if (static_cast<std::int64_t>(file.chunk_sha256.size()) != chunks_of(file.size, chunk_bytes))
    return fail(Code::invalid, "manifest: {}: {} chunks for {} bytes", file.path, file.chunk_sha256.size(), file.size);
  for (const auto& chunk : file.chunk_sha256) FP_CHECK(check_sha256(chunk, file.path));
  if (file.chunk_sha256.size() == 1 && file.chunk_sha256[0] != file.sha256)
    return fail(Code::invalid, "manifest: {}: its only chunk has another hash than the file", file.path);
  return {};
}

// A file cannot be a folder of another one: "a" and "a/b" in one tree.
Status check_no_file_is_a_folder(const Manifest& manifest) {
  std::unordered_map<std::string_view, bool> files;
  for (const auto& file : manifest.files) files.emplace(file.path, true);
  for (const auto& file : manifest.files) {
    const std::string_view path = file.path;
    for (auto slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1))
      if (files.contains(path.substr(0, slash)))
        return fail(Code::invalid, "manifest: {} is a file and a folder", path.substr(0, slash));
  }
  return {};
}

// Files of one hash are one file: their sizes and chunks must agree, or the receiver could never finish.
Status check_same_hash_same_file(const Manifest& manifest) {
  std::unordered_map<std::string_view, const ManifestFile*> by_hash;
  for (const auto& file : manifest.files) {
    const auto [it, fresh] = by_hash.emplace(file.sha256, &file);
    if (!fresh && (it->second->size != file.size || it->second->chunk_sha256 != file.chunk_sha256))
      return fail(Code::invalid, "manifest: {} and {} have one hash and differ", it->second->path, file.path);
  }
  return {};
}

Status check_shape(const Manifest& manifest) {
  FP_TRY(id, parse_content_id(manifest.content_id));
  if (id != manifest.content_id) return fail(Code::invalid, "manifest: content id {} is not canonical", manifest.content_id);
  if (manifest.chunk_bytes < 4096 || manifest.chunk_bytes > static_cast<std::int64_t>(limits::kChunkBytes))
    return fail(Code::invalid, "manifest: chunks of {} bytes", manifest.chunk_bytes);
  if (manifest.files.size() > limits::kManifestFilesMax)
    return fail(Code::too_large, "manifest: {} files, {} at most", manifest.files.size(), limits::kManifestFilesMax);
  for (std::size_t i = 0; i < manifest.files.size(); ++i) {
    if (i > 0 && manifest.files[i - 1].path >= manifest.files[i].path)
      return fail(Code::invalid, "manifest: files out of order at {}", manifest.files[i].path);
    FP_CHECK(check_file(manifest.files[i], manifest.chunk_bytes));
  }
  FP_CHECK(check_no_file_is_a_folder(manifest));
  return check_same_hash_same_file(manifest);
}

Result<ManifestFile> decode_file(const boost::json::value& value) {
  FP_TRY(object, json_object(value, "a file of the manifest"));
  ManifestFile file;
  FP_TRY(path, json_string(*object, "path"));
  FP_TRY(size, json_int(*object, "size"));
  FP_TRY(sha256, json_string(*object, "sha256"));
  FP_TRY(modified, json_string(*object, "modified"));
  FP_TRY(at, parse_time(modified));
  FP_TRY(chunks, json_array(*object, "chunks"));
  file.path = std::move(path);
  file.size = size;
  file.sha256 = std::move(sha256);
  file.modified = at;
  file.chunk_sha256.reserve(chunks->size());
  for (const auto& chunk : *chunks) {
    if (!chunk.is_string()) return fail(Code::invalid, "manifest: {}: a chunk hash that is no text", file.path);
    file.chunk_sha256.emplace_back(chunk.get_string().data(), chunk.get_string().size());
  }
  return file;
}

}  // namespace

std::string encode_manifest(const Manifest& manifest) {
  boost::json::array files;
  files.reserve(manifest.files.size());
  for (const auto& file : manifest.files) {
    boost::json::array chunks;
    chunks.reserve(file.chunk_sha256.size());
    for (const auto& chunk : file.chunk_sha256) chunks.emplace_back(chunk);
    files.push_back(boost::json::object{{"path", file.path},
                                        {"size", file.size},
                                        {"sha256", file.sha256},
                                        {"modified", to_iso(file.modified)},
                                        {"chunks", std::move(chunks)}});
  }
  return boost::json::serialize(boost::json::object{{"format", boost::json::string_view(kFormat.data(), kFormat.size())},
                                                    {"content_id", manifest.content_id},
                                                    {"chunk_bytes", manifest.chunk_bytes},
                                                    {"root_hash", manifest.root_hash},
                                                    {"files", std::move(files)}});
}

Result<Manifest> decode_manifest(std::string_view json) {
  FP_TRY(object, json_input(json, limits::kManifestBytesMax));
  FP_TRY(format, json_string(object, "format"));
  if (format != kFormat) return fail(Code::invalid, "manifest of an unknown format: {:.40}", format);
  FP_TRY(content_id, json_string(object, "content_id"));
  FP_TRY(chunk_bytes, json_int(object, "chunk_bytes"));
  FP_TRY(root_hash, json_string(object, "root_hash"));
  FP_TRY(files, json_array(object, "files"));
  if (files->size() > limits::kManifestFilesMax)
    return fail(Code::too_large, "manifest: {} files, {} at most", files->size(), limits::kManifestFilesMax);
  Manifest out;
  out.content_id = std::move(content_id);
  out.chunk_bytes = chunk_bytes;
  out.root_hash = std::move(root_hash);
  out.files.reserve(files->size());
  for (const auto& value : *files) {
    FP_TRY(file, decode_file(value));
    out.files.push_back(std::move(file));
  }
  FP_CHECK(check_manifest(out));
  return out;
}

std::string canonical_manifest(const Manifest& manifest) {
  std::string out =
      fmt::format("{}\n{}\n{}\n{}\n", kFormat, manifest.content_id, manifest.chunk_bytes, manifest.files.size());
  for (const auto& file : manifest.files) {
    out += fmt::format("{} {}\n{} {} {}\n", file.path.size(), file.path, file.size, file.sha256, file.chunk_sha256.size());
    for (const auto& chunk : file.chunk_sha256) out += chunk + "\n";
  }
  return out;
}

std::string manifest_root_hash(const Manifest& manifest) { return hex_lower(crypto::sha256(canonical_manifest(manifest))); }

Status check_manifest(const Manifest& manifest) {
  FP_CHECK(check_shape(manifest));
  if (manifest_root_hash(manifest) != manifest.root_hash)
    return fail(Code::corrupt, "manifest of {}: the root hash is another", manifest.content_id);
  return {};
}

}  // namespace fp::wire
