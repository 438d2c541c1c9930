#include "wire/zlib.hpp"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace fp::wire {
namespace {

constexpr std::size_t kStepMin = 4U << 10, kStepMax = 64U << 10;
constexpr std::size_t kGrowth = 4;  // of the size of the stream: room for a usual message in one step
constexpr std::size_t kSmallBytes = 8U << 10;
constexpr std::size_t kStoredBytesMax = 1U << 10;

struct Inflater {
  z_stream stream{};
  bool ready = false;
  Inflater() { ready = ::inflateInit(&stream) == Z_OK; }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() {
    if (ready) ::inflateEnd(&stream);
  }
};

// A zlib stream of one stored block (RFC 1950, RFC 1951 §3.2.4).
std::string stored(std::string_view bytes) {
  const auto size = static_cast<unsigned>(bytes.size());
  const auto sum = ::adler32(::adler32(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), size);
  std::string out("\x78\x01\x01", 3);
  out.reserve(bytes.size() + 11);
  for (const unsigned v : {size, ~size})
    for (const int shift : {0, 8}) out.push_back(static_cast<char>(v >> shift & 0xFFU));
  out += bytes;
  for (const int shift : {24, 16, 8, 0}) out.push_back(static_cast<char>(sum >> shift & 0xFFU));
  return out;
}

}  // namespace

Result<std::string> inflate_zlib(std::string_view stream, std::size_t bytes_max) {
  Inflater z;
  if (!z.ready || stream.size() > 0xFFFFFFFFU) return fail(Code::internal, "zlib could not start");
  z.stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(stream.data()));
  z.stream.avail_in = static_cast<uInt>(stream.size());
  std::string out;
  while (true) {
    const std::size_t had = out.size();
    const std::size_t first = std::clamp(stream.size() * kGrowth, kStepMin, kStepMax);
    const std::size_t step = std::min(std::max(first, had), bytes_max + 1 - had);
    if (step == 0) return fail(Code::too_large, "a compressed text of more than {} bytes", bytes_max);
    out.resize_and_overwrite(had + step, [](char*, std::size_t size) { return size; });
    z.stream.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    z.stream.avail_out = static_cast<uInt>(step);
    const int done = ::inflate(&z.stream, Z_FINISH);  // told so, it keeps no window of its own unless the room is too small
    out.resize(had + step - z.stream.avail_out);
    if (out.size() > bytes_max) return fail(Code::too_large, "a compressed text of more than {} bytes", bytes_max);
    if (done == Z_STREAM_END) return out;
    if (done != Z_OK && done != Z_BUF_ERROR) return fail(Code::invalid, "not a zlib stream");
    if (z.stream.avail_in == 0 && z.stream.avail_out != 0) return fail(Code::invalid, "a zlib stream that ends in the middle");
  }
}

std::string deflate_zlib(std::string_view bytes) {
  // "Nothing new" to a poll fits into one packet either way; packing it would cost more than the rest of the answer's making.
  if (bytes.size() <= kStoredBytesMax) return stored(bytes);
  // A short text needs no tables of a quarter of a megabyte: clearing them would cost more than packing it.
  const bool small = bytes.size() <= kSmallBytes;
  z_stream stream{};
  if (::deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, small ? 13 : 15, small ? 5 : 8, Z_DEFAULT_STRATEGY) != Z_OK)
    throw std::bad_alloc();
  std::string out(::deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  ::deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  ::deflateEnd(&stream);
  return out;
}

}  // namespace fp::wire
