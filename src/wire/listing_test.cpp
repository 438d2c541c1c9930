#include "wire/listing.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace fp::wire {
namespace {

std::string page() {
  const Instant at = *parse_time("2024-04-13T20:40:11Z");
  return encode_listing("http://dp/SMS_DP_SMSPKG$/LAB00002.1", "dp - /SMS_DP_SMSPKG$/LAB00002.1/",
                        {{"sub", true, 0, at}, {"readme.txt", false, 16, at}, {"a & b.txt", false, 3, at.plus_s(-12 * 3600)}});
}

TEST(Listing, HasTheGoldenBytes) {
  EXPECT_EQ(page(),
            "<html><head><meta charset=\"utf-8\"><title>dp - /SMS_DP_SMSPKG$/LAB00002.1/</title></head><body>"
            "<h1>dp - /SMS_DP_SMSPKG$/LAB00002.1/</h1><hr><pre>\n"
            "   4/13/2024  8:40 pm        &lt;dir&gt <a href=\"http://dp/SMS_DP_SMSPKG$/LAB00002.1/sub\">sub</a><br>\n"
            "   4/13/2024  8:40 pm           16 <a href=\"http://dp/SMS_DP_SMSPKG$/LAB00002.1/readme.txt\">readme.txt</a><br>\n"
            "   4/13/2024  8:40 am            3 "
            "<a href=\"http://dp/SMS_DP_SMSPKG$/LAB00002.1/a%20%26%20b.txt\">a &amp; b.txt</a><br>\n"
            "</pre><hr></body></html>\n");
}

TEST(Listing, IsReadByThePatternsOfOtherPrograms) {
  const std::string text = page();
  const auto count = [&](const std::regex& pattern) {
    return std::distance(std::sregex_iterator(text.begin(), text.end(), pattern), std::sregex_iterator());
  };
  EXPECT_EQ(count(std::regex("\\d+ <a href=\"http://[^\"]*\">")), 2);
  EXPECT_EQ(count(std::regex("&lt;dir&gt <a href=\"http://[^\"]*\">")), 1);
}

TEST(Listing, MidnightAndNoonAreTwelve) {
  const auto one = [](const char* at) { return encode_listing("http://d", "t", {{"f", false, 1, *parse_time(at)}}); };
  EXPECT_NE(one("2024-12-01T00:05:00Z").find("   12/1/2024 12:05 am"), std::string::npos);
  EXPECT_NE(one("2024-12-01T12:05:00Z").find("   12/1/2024 12:05 pm"), std::string::npos);
}

}  // namespace
}  // namespace fp::wire
