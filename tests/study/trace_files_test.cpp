#include "lstar/study/trace_files.h"

#include <cmath>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lstar {
namespace {

// "NAME: 1 2 3 | floors", traces between semicolons; or the error.
std::string shown(const std::string& content) {
  const auto traces = parse_traces(content, "f");
  if (!traces) return fmt::format("error: {}", traces.error().message());
  std::string out;
  for (const NamedTrace& trace : *traces) {
    out += fmt::format("{}{}:", out.empty() ? "" : "; ", trace.name);
    for (const double value : trace.trace) out += fmt::format(" {}", value);
    if (!trace.floor.empty()) out += " |";
    for (const double value : trace.floor) out += fmt::format(" {}", value);
  }
  return out;
}

TEST(TraceFiles, RowByRow) {
  const std::pair<const char*, const char*> rows[] = {
      {"[1, 2.5, null]", "trace: 1 2.5 nan"},
      {"[1, NaN, Infinity, -Infinity]", "trace: 1 nan inf -inf"},
      {"{\"a\": [1], \"b\": [2, 3]}", "a: 1; b: 2 3"},
      {"[[1, 2], [3]]", "trace 1: 1 2; trace 2: 3"},
      {"1\n2.5e0\n-inf\nnan\n", "trace: 1 2.5 -inf nan"},
      {"1e400\n-1e400\n1e-400\n", "trace: inf -inf 0"},
      {"1.000e+00 2.000e+00\n  3.0   4.0\n", "column 1: 1 3; column 2: 2 4"},
      {"1, 2, +3\n", "trace: 1 2 3"},
      {"\xef\xbb\xbflayer,a,b\r\n0,1,\r\n1,2,NaN\r\n", "a: 1 2; b: nan nan"},
      {",a\n0,1\n1,2\n", "a: 1 2"},
      {"a;b\n1;2\n", "a: 1; b: 2"},
      {"a,a\n1,2\n", "a: 1; a (2): 2"},
      {"a,a,a (2),a\n1,2,3,4\n", "a: 1; a (3): 2; a (2): 3; a (4): 4"},
      {"a (2),a,a,a (2)\n1,2,3,4\n", "a (2): 1; a: 2; a (3): 3; a (2) (2): 4"},
      {"\n \t\n1,2\n3,4\n", "column 1: 1 3; column 2: 2 4"},
      {"model,prompt,layer,a,a_rounding_floor\nm,1,0,1,0\nm,1,1,2,0\nn,1,0,3,0\n",
       "m: prompt 1: a: 1 2 | 0 0; n: prompt 1: a: 3 | 0"},
      {"{\"layers\": 2, \"prompts\": [{\"layers\": [{\"trace\": {\"b\": 1, \"a\": 2}, \"rounding_floor\": {\"a\": "
       "0.5}}, "
       "{\"trace\": {\"a\": 4, \"b\": 3}, \"rounding_floor\": {}}]}]}",
       "prompt 1: b: 1 3 | nan nan; prompt 1: a: 2 4 | 0.5 nan"},
      {"{\"layers\": 2, \"prompts\": [{\"layers\": [{\"trace\": {\"a\": 1, \"b\": 2}, \"rounding_floor\": {}}, "
       "{\"trace\": {\"b\": 3}, \"rounding_floor\": {}}]}]}",
       "error: f: prompt 1, layer 1, key a: layers with different estimators: expected this key, as in layer 0"},
      {"{\"layers\": 2, \"prompts\": [{\"layers\": [{\"trace\": {\"a\": 1}, \"rounding_floor\": {}}, "
       "{\"trace\": {\"a\": 1, \"b\": 3}, \"rounding_floor\": {}}]}]}",
       "error: f: prompt 1, layer 1, key b: layers with different estimators: expected no such key, as in layer 0"},
      {"{\"by_estimator\": {}, \"results\": [{}, {\"prompts\": [{\"error\": \"x\"}, {\"error\": null}]}], \"traces\": "
       "[{\"model\": \"m\", \"by_estimator\": {\"a\": [{\"trace\": [1], \"rounding_floor\": []}]}}, "
       "{\"model\": \"n\", \"by_estimator\": {\"a\": [{\"trace\": [2], \"rounding_floor\": []}]}}, "
       "{\"model\": \"o\", \"by_estimator\": {\"a\": [{\"trace\": [3], \"rounding_floor\": []}]}}]}",
       "m: prompt 1: a: 1; n: prompt 2: a: 2; o: prompt 1: a: 3"},
      {"model,prompt,text,tokens,layer,off_diagonal,off_diagonal_rounding_floor,id\n"
       "m,1,\"x, y\",2,0,1.5,1e-6,\nm,1,\"x, y\",2,1,2.5,2e-6,\nm,3,z,2,0,4,,q\n",
       "prompt 1: off_diagonal: 1.5 2.5 | 1e-06 2e-06; prompt 3: off_diagonal: 4 | nan"},
      {"{\"layers\": 2, \"prompts\": [{\"layers\": []}, {\"layers\": [{\"trace\": {\"a\": 1}, \"rounding_floor\": "
       "{\"a\": "
       "0.5}}, {\"trace\": {\"a\": null}, \"rounding_floor\": {\"a\": null}}]}]}",
       "prompt 2: a: 1 nan | 0.5 nan"},
      {"{\"by_estimator\": {}, \"results\": [{\"prompts\": [{\"error\": \"x\"}, {\"error\": null}]}], \"traces\": "
       "[{\"model\": "
       "\"m\", \"by_estimator\": {\"a\": [{\"trace\": [1, 2], \"rounding_floor\": [0, 0]}]}}]}",
       "m: prompt 2: a: 1 2 | 0 0"},
      // As files have it now: who failed stands apart, and of many prompts there is a mean.
      {"{\"by_estimator\": {}, \"results\": [{\"l_star_per_prompt\": [null, 1, 1], \"failed_prompts\": [{\"prompt\": "
       "1}]}], "
       "\"traces\": [{\"model\": \"m\", \"mean\": {\"a\": {\"trace\": [9]}}, \"by_estimator\": {\"a\": [{\"trace\": "
       "[1, 2], "
       "\"rounding_floor\": [0, 0]}, {\"trace\": [3, 4], \"rounding_floor\": []}]}}]}",
       "m: prompt 2: a: 1 2 | 0 0; m: prompt 3: a: 3 4"},
      {"{\"by_estimator\": {}, \"results\": [], \"traces\": [{\"model\": \"m\", \"by_estimator\": null, \"mean\": "
       "{\"a\": "
       "{\"trace\": [1, 2], \"rounding_floor\": [0, 0.5], \"prompts\": 500}}}]}",
       "m: mean of 500 prompts: a: 1 2 | 0 0.5"},
      {"{\"by_estimator\": {}, \"traces\": [{\"model\": \"m\", \"by_estimator\": null, \"mean\": {\"a\": {\"trace\": "
       "null}}}]}",
       "error: f: m: mean of 0 prompts: a: not as lstar writes it"},
      {"{\"by_estimator\": {}, \"traces\": [{\"model\": \"m\", \"by_estimator\": null}]}",
       "error: f: m: not as lstar writes it"},
      {"model,lab,L_star_empirical\nm,l,4\n",
       "error: f: a table of a study, which holds no traces; its l_star_traces CSV does"},
      {"model,prompt,estimator,detector,l_star\nm,1,a,argmax_step,4\n",
       "error: f: a table of a study, which holds no traces; its l_star_traces CSV does"},
      {"", "error: f: no traces"},
      {"[]", "error: f: trace: empty trace"},
      {"[1, \"x\"]", "error: f: trace, layer 1: not a number: expected a number or null, found \"x\""},
      {"{\"a\": 5}", "error: f: key a: not an array"},
      {"a,b\n1,x\n", "error: f: line 2: not a number in b: expected a column of numbers for each trace, found x"},
      {"a,b\n1\n", "error: f: line 2: cells: expected 2, found 1"},
      {"a,b\n", "error: f: no traces"},
      {"{\"layers\": 2, \"prompts\": [5]}", "error: f: prompt 1: not as lstar writes it"},
      {"\x93NUMPY\x01",
       "error: f: not text but a numpy array; write it as JSON (array.tolist()) or text (numpy.savetxt)"},
      {"\x1f\x8b\x08", "error: f: not text but compressed by gzip; zcat it first"},
  };
  for (const auto& [content, expected] : rows) EXPECT_EQ(shown(content), expected) << content;
}

// The work grows with the names, not with their square.
TEST(TraceFiles, ManyNames) {
  constexpr int kMany = 5000;
  std::string header = "prompt", row = "1", object = "{";
  for (int i = 0; i < kMany; ++i) {
    header += fmt::format(",e{0},e{0}_rounding_floor", i);
    row += fmt::format(",{},0", i);
    object += fmt::format("{}\"e{}\": {}", i ? ", " : "", i, i);
  }
  object += "}";
  for (const std::string& content :
       {header + "\n" + row + "\n", fmt::format("{{\"layers\": 1, \"prompts\": [{{\"layers\": [{{\"trace\": {0}, "
                                                "\"rounding_floor\": {0}}}]}}]}}",
                                                object)}) {
    const auto traces = parse_traces(content, "f");
    ASSERT_TRUE(traces) << traces.error().message();
    ASSERT_EQ(traces->size(), static_cast<size_t>(kMany));
    EXPECT_EQ(traces->back().name, fmt::format("prompt 1: e{}", kMany - 1));
  }
  std::string same = "a";
  for (int i = 1; i < kMany; ++i) same += i % 2 ? ",a" : fmt::format(",a ({})", i);
  std::string numbers = "1";
  for (int i = 1; i < kMany; ++i) numbers += ",1";
  const auto traces = parse_traces(same + "\n" + numbers + "\n", "f");
  ASSERT_TRUE(traces) << traces.error().message();
  std::set<std::string> names;
  for (const NamedTrace& trace : *traces) names.insert(trace.name);
  EXPECT_EQ(names.size(), static_cast<size_t>(kMany));
}

}  // namespace
}  // namespace lstar
