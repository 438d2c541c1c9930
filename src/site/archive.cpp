#include "site/archive.hpp"

#include <zlib.h>

#include <algorithm>
#include <set>

namespace fp::site {
namespace {

constexpr std::size_t kBlock = 512, kNameMax = 100;
constexpr std::int64_t kFileBytesMax = std::int64_t{1} << 32;

void put(std::string& header, std::size_t at, std::string_view text) { header.replace(at, text.size(), text); }

std::string header_of(std::string_view name, unsigned mode, std::size_t bytes, Instant at, char type) {
  std::string h(kBlock, '\0');
  put(h, 0, name);
  put(h, 100, fmt::format("{:07o}", mode));
  put(h, 108, "0000000");
  put(h, 116, "0000000");
  put(h, 124, fmt::format("{:011o}", bytes));
  put(h, 136, fmt::format("{:011o}", std::max<std::int64_t>(0, at.ms / 1000)));
  put(h, 148, "        ");
  h[156] = type;
  put(h, 257, std::string_view("ustar\00000", 8));
  put(h, 265, "root");
  put(h, 297, "root");
  unsigned sum = 0;
  for (const char c : h) sum += static_cast<unsigned char>(c);
  put(h, 148, fmt::format("{:06o}", sum));
  h[154] = '\0';
  return h;
}

Result<std::string> gzip(std::string_view bytes) {
  z_stream z{};
  if (::deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return fail(Code::internal, "compressing: no memory");
  std::string out(::deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int done = ::deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  ::deflateEnd(&z);
  if (done != Z_STREAM_END) return fail(Code::internal, "compressing: {}", done);
  return out;
}

}  // namespace

Result<std::string> tar_gz(const std::vector<ArchiveFile>& files, Instant at) {
  std::string tar;
  std::set<std::string> folders;
  for (const auto& f : files) {
    if (f.name.empty() || f.name.size() > kNameMax || f.name.front() == '/')
      return fail(Code::invalid, "\"{}\" does not fit into an archive: it must be relative and have at most {} bytes", f.name, kNameMax);
    if (static_cast<std::int64_t>(tar.size() + f.bytes.size()) > kFileBytesMax - (1 << 20))
      return fail(Code::too_large, "an archive holds at most {} bytes", kFileBytesMax);
    for (auto slash = f.name.find('/'); slash != std::string::npos; slash = f.name.find('/', slash + 1))
      if (auto folder = f.name.substr(0, slash + 1); folders.insert(folder).second) tar += header_of(folder, 0755, 0, at, '5');
    tar += header_of(f.name, f.mode, f.bytes.size(), at, '0');
    tar += f.bytes;
    tar.append((kBlock - f.bytes.size() % kBlock) % kBlock, '\0');
  }
  tar.append(2 * kBlock, '\0');
  return gzip(tar);
}

}  // namespace fp::site
