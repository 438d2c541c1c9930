#include "wire/listing.hpp"

#include "base/text.hpp"

namespace fp::wire {
namespace {

// "   4/13/2024  8:40 pm": month/day/year right-aligned to 12, then the time to 9.
std::string listing_time(Instant at) {
  const std::string iso = to_iso(at);  // 2024-04-13T20:40:00Z
  const int hour = (iso[11] - '0') * 10 + (iso[12] - '0');
  const auto number = [&](std::size_t pos) { return (iso[pos] - '0') * 10 + (iso[pos + 1] - '0'); };
  const std::string date = fmt::format("{}/{}/{}", number(5), number(8), iso.substr(0, 4));
  const std::string time = fmt::format("{}:{} {}", hour % 12 == 0 ? 12 : hour % 12, iso.substr(14, 2), hour < 12 ? "am" : "pm");
  return fmt::format("{:>12}{:>9}", date, time);
}

}  // namespace

std::string encode_listing(std::string_view folder_url, std::string_view title, const std::vector<ListingEntry>& entries) {
  const std::string name = xml_escape(title);
  std::string out = fmt::format(
      "<html><head><meta charset=\"utf-8\"><title>{0}</title></head><body><h1>{0}</h1><hr><pre>\n", name);
  for (const auto& entry : entries) {
    out += listing_time(entry.modified);
    // "&lt;dir&gt" has no semicolon: readers look for exactly that (wire.md §11.2).
    out += entry.folder ? std::string("        &lt;dir&gt") : fmt::format("{:>13}", entry.size_bytes);
    out += fmt::format(" <a href=\"{}/{}\">{}</a><br>\n", xml_escape(folder_url), percent_encode_path(entry.name),
                       xml_escape(entry.name));
  }
  out += "</pre><hr></body></html>\n";
  return out;
}

}  // namespace fp::wire
