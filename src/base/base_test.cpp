#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <set>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/random.hpp"
#include "base/text.hpp"
#include "base/ticket.hpp"

namespace fp {

TEST(Clock, PrintsAndReadsEveryWireFormat) {
  const Instant at{1795359140123};
  EXPECT_EQ(to_iso_ms(at), "2026-11-22T14:52:20.123Z");
  EXPECT_EQ(to_cim(at), "20261122145220.123000+000");
  EXPECT_EQ(to_cookie(at), "2026-11-22 14:52:20.123");
  EXPECT_EQ(to_http_date(at), "Sun, 22 Nov 2026 14:52:20 GMT");
  for (const char* text : {"2026-11-22T14:52:20.123Z", "20261122145220.123000+000", "2026-11-22 14:52:20.123"})
    EXPECT_EQ(parse_time(text), at) << text;
  EXPECT_EQ(parse_time("2026-11-22T14:52:20+00:00Z"), Instant{1795359140000});
  EXPECT_EQ(parse_time("2026-11-22T16:52:20+02:00"), Instant{1795359140000});
  EXPECT_EQ(parse_time("11/22/2026 14:52:20"), Instant{1795359140000});
  EXPECT_EQ(parse_http_date("Sun, 22 Nov 2026 14:52:20 GMT"), Instant{1795359140000});
  EXPECT_EQ(parse_http_date("Sunday, 22-Nov-26 14:52:20 GMT"), Instant{1795359140000});
  EXPECT_EQ(parse_http_date("Sun Nov 22 14:52:20 2026"), Instant{1795359140000});
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), Instant{784111777000});
  for (const char* bad : {"", "Sun, 22 Nov 2026 14:52:20", "Sun, 22 Foo 2026 14:52:20 GMT", "Sun, 22-Nov-26 14:52:20 GMT", "22 Nov 2026",
                          "Sun Nov 22 14:52:20 26  ", ", ", "Sunday, 22-Nov-2026 14:52:20 GMT"})
    EXPECT_FALSE(parse_http_date(bad)) << bad;
  for (const char* text : {"", "yesterday", "2026-13-01T00:00:00Z", "2026-11-22T25:00:00Z", "20261122"})
    EXPECT_FALSE(parse_time(text).has_value()) << text;
}

TEST(Text, HexAndBase64AndUtf16ComeBackAsTheyWere) {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  EXPECT_EQ(unhex(hex(all)), all);
  EXPECT_EQ(unhex(hex_lower(all)), all);
  for (std::size_t n = 0; n < 5; ++n) EXPECT_EQ(unbase64(base64(all.substr(0, n))), all.substr(0, n));
  EXPECT_EQ(from_utf16le(to_utf16le("Gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80")), "Gr\xC3\xBC\xC3\x9F \xF0\x9F\x98\x80");
  EXPECT_FALSE(from_utf16le("abc").has_value());
  EXPECT_FALSE(from_utf16le(std::string_view("\x00\xD8\x41\x00", 4)).has_value());
  EXPECT_EQ(percent_decode("SMS_DP_SMSPKG%24/%7Bx%7D"), "SMS_DP_SMSPKG$/{x}");
  EXPECT_FALSE(percent_decode("%4").has_value());
  EXPECT_FALSE(percent_decode("%zz").has_value());
}

TEST(Ids, OnlyTheirGrammarPasses) {
  EXPECT_EQ(parse_client_id("guid:0123abcd-0000-0000-0000-0123456789ab"), "GUID:0123ABCD-0000-0000-0000-0123456789AB");
  EXPECT_FALSE(parse_client_id("GUID:' OR 1=1 --").has_value());
  EXPECT_EQ(parse_content_id("UID:Content_0123ABCD-0000-0000-0000-0123456789AB.3"),
            "Content_0123abcd-0000-0000-0000-0123456789ab.3");
  EXPECT_EQ(parse_content_id("lab00002.1"), "LAB00002.1");
  EXPECT_FALSE(parse_content_id("LAB00002.0x").has_value());
  EXPECT_FALSE(parse_content_id("../../etc/passwd").has_value());
  EXPECT_FALSE(parse_relative_path("a/../b").has_value());
  EXPECT_FALSE(parse_relative_path("/a").has_value());
  EXPECT_EQ(parse_relative_path("a/b.txt"), "a/b.txt");
  SeededRandom random(1);
  EXPECT_TRUE(parse_guid(new_guid(random)).has_value());
  EXPECT_EQ(split_content_id("LAB00002.7").version, 7);
}

TEST(Backoff, StaysUnderItsCapWhateverTheTry) {
  SeededRandom random(2);
  const Backoff backoff{1000, 60000};
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto delay = backoff.delay_ms(attempt, random);
    EXPECT_GE(delay, 0);
    EXPECT_LE(delay, 60000);
  }
}

TEST(File, AWriteReplacesWhole) {
  const Path dir = std::filesystem::temp_directory_path() / ("fp-base-" + new_guid(system_random()));
  ASSERT_TRUE(make_dirs(dir).has_value());
  ASSERT_TRUE(write_file(dir / "a", "one").has_value());
  ASSERT_TRUE(write_file(dir / "a", "two", 0600).has_value());
  EXPECT_EQ(read_file(dir / "a"), "two");
  EXPECT_EQ(read_file(dir / "none").error().code, Code::not_found);
  ASSERT_TRUE(remove_tree(dir).has_value());
}

TEST(Log, AMessageCannotForgeASecondLine) {
  const auto text = log::render(log::Format::text, log::Level::info, "mp", "a\nb", 1795359140123, 1);
  EXPECT_EQ(text, "2026-11-22T14:52:20.123Z info    mp: a\\x0ab");
  EXPECT_EQ(log::render(log::Format::cmtrace, log::Level::error, "mp", "x", 1795359140123, 7),
            R"(<![LOG[x]LOG]!><time="14:52:20.123+000" date="11-22-2026" component="mp" context="" type="3" thread="7" file="">)");
  EXPECT_EQ(log::render(log::Format::json, log::Level::info, "mp", "say \"hi\"", 0, 0),
            R"({"time":"1970-01-01T00:00:00.000Z","level":"info","component":"mp","message":"say \"hi\""})");
}

TEST(Ticket, TellsThoseWhoWaitBeforeAndAfter) {
  Ticket ticket = Ticket::pending();
  int told = 0;
  ticket.then([&](const Status& s) { told += s.has_value() ? 1 : 100; });
  ticket.settle({});
  ticket.then([&](const Status& s) { told += s.has_value() ? 1 : 100; });
  EXPECT_EQ(told, 2);
  EXPECT_TRUE(ticket.wait().has_value());
  EXPECT_TRUE(Ticket{}.wait().has_value());
}

TEST(Text, WideTextGoesOverAndBackWhereverItsFirstLetterBeyondAsciiStands) {
  for (std::size_t plain = 0; plain < 20; ++plain) {
    const std::string text = std::string(plain, 'a') + "\xC3\xA9\xF0\x9F\x98\x80" + std::string(plain, 'b');
    const auto back = from_utf16le(to_utf16le(text));
    ASSERT_TRUE(back.has_value()) << plain;
    EXPECT_EQ(*back, text) << plain;
  }
  const auto odd = from_utf16le(std::string("a\0b", 3));
  EXPECT_FALSE(odd.has_value());
}

TEST(Random, SmallDrawsNeverRepeatNotEvenInAForkedChild) {
  std::set<std::string> drawn;
  for (int i = 0; i < 200; ++i) EXPECT_TRUE(drawn.insert(system_random().bytes(16)).second);
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const std::string own = system_random().bytes(16);
    _exit(write(ends[1], own.data(), own.size()) == 16 ? 0 : 1);
  }
  std::string theirs(16, '\0');
  ASSERT_EQ(read(ends[0], theirs.data(), theirs.size()), 16);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_NE(theirs, system_random().bytes(16));
  for (const int end : ends) close(end);
}

}  // namespace fp
