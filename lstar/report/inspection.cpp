#include "lstar/report/inspection.h"

#include <algorithm>
#include <cmath>

#include <fmt/core.h>

#include "lstar/report/json/json_writer.h"
#include "lstar/report/text/notes.h"
#include "lstar/report/text/text_layout.h"

namespace lstar {
namespace {

std::string_view position_name(const Architecture& a) {
  if (a.has(Role::position_embedding)) return "learned";
  if (!a.rotary.empty()) return "rotary";
  return a.alibi_slopes.empty() ? "none" : "alibi";
}

std::string position_text(const Architecture& a) {
  if (a.has(Role::position_embedding) && a.first_position_row > 0)
    return fmt::format("learned, from row {}", a.first_position_row);
  std::string text(position_name(a));
  for (const Rotary& rotary : a.rotary)
    text += fmt::format("{} on {} of {} dimensions, base {:g}", &rotary == &a.rotary.front() ? "" : "; in other layers",
                        rotary.dims, a.head_dim, rotary.base);
  return text;
}

// What a plain causal decoder does not have; empty for one.
std::string particulars(const Architecture& a) {
  std::string text;
  const auto add = [&](const std::string& item) { text += (text.empty() ? "" : "; ") + item; };
  if (!a.causal)
    add(a.predicts_next ? "sees both ways: a token sees those behind it too" : "encoder: every token sees every other");
  int64_t windows = 0, experts = 0, window = 0;
  for (const LayerPlan& layer : a.plan) {
    windows += layer.window > 0;
    experts += layer.experts;
    window = std::max(window, layer.window);
  }
  if (windows > 0) add(fmt::format("a window of {} tokens in {} of {} layers", window, windows, a.layers));
  if (a.has(Role::sinks)) add("attention sinks");
  if (a.has(Role::query_norm)) add("norms on queries and keys");
  if (a.has(Role::attention_output_norm)) add("norms behind attention and MLP");
  if (a.attention_softcap > 0) add(fmt::format("scores capped at {:g}", a.attention_softcap));
  if (experts > 0)
    add(fmt::format("{} of {} experts in {} of {} layers", a.experts.used, a.experts.count, experts, a.layers));
  return text;
}

std::string_view norm_name(const Architecture& a) { return a.norm == NormRef::Kind::layer ? "LayerNorm" : "RMSNorm"; }
std::string_view place_name(const Architecture& a) { return a.norm_place == NormPlace::before ? "before" : "after"; }
std::string_view residual_name(const Architecture& a) {
  return a.residual == Residual::parallel ? "parallel" : "sequential";
}

// A norm of what attention gives takes any multiple of W_O back, by what it divides by: that needs a prompt.
bool depends_on_gauge(const Architecture& a) { return a.has(Role::attention_output_norm); }

double ov_total(const WeightNorms& w, size_t layer) {
  double sum = 0;
  for (double value : w.ov_sq[layer]) sum += value;
  return sum;
}

JsonValue json_number(double value) { return json_value(std::optional(value)); }

}  // namespace

std::string inspection_text(const Inspection& found, bool tensors, bool colour) {
  const Paint paint{colour};
  const Architecture& a = found.architecture;
  std::string out = paint.bold(one_line(found.identity.model)) + "\n";
  const auto line = [&](std::string_view key, const std::string& value) {
    out += fmt::format("  {:<16}{}\n", key, one_line(value));
  };
  line("path", found.identity.path);
  line("format", fmt::format("{}, stored as {}", found.identity.format, found.identity.stored_dtype));
  line("family", family_text(a.family, a.notebook_name));
  line("layers L", fmt::format("{}", a.layers));
  line("heads H", fmt::format("{}, {} key/value heads, head width {}", a.heads, a.kv_heads, a.head_dim));
  line("hidden size",
       fmt::format("{}, MLP {}{}, vocabulary {}", a.hidden, a.mlp, a.has(Role::mlp_gate) ? " gated" : "", a.vocab));
  line("positions", fmt::format("{}; trained on up to {}", position_text(a), a.max_positions));
  line("norm", fmt::format("{} {} attention and MLP, residual {}", norm_name(a), place_name(a), residual_name(a)));
  if (const std::string text = particulars(a); !text.empty()) line("particular", text);
  line("parameters", fmt::format("{} in {} tensors", found.parameters, found.tensors.size()));
  if (found.head_layout != HeadLayout::actual)
    line("head layout", fmt::format("{} in as_written, true in all others", name(found.head_layout)));
  for (const std::string& warning : found.warnings) out += wrap(one_line(warning), kColumns, "  Warning: ", 4);

  const WeightNorms& w = found.weights;
  const bool cut = !w.w_v_cut_sq.empty();
  std::string legend = "Weight norms by layer. OV: sum over heads of ";
  legend +=
      depends_on_gauge(a)
          ? "||diag(gamma_o) W_O W_V diag(gamma)||^2, gamma_o the gain of the norm that follows W_O. It divides by "
            "the size of its input, so W_O times any number computes the same: OV depends on this number, and "
            "ov_circuit, which divides too, does not."
          : "||P W_O W_V diag(gamma) P||^2, which does not depend on the gauge.";
  if (cut) legend += " Third: ||W_V||^2 of the last third of the fused rows, which as_written takes.";
  out += '\n';
  out += wrap(legend, kColumns, "", 0);
  TextTable table;
  for (const char* head : {"layer", "||W_V||^2", "||W_V||", "||W_O||", "W_V/W_O", "s_max(W_V)", "s_max(W_O)", "OV"})
    table.column(head);
  if (cut) table.column("third");
  for (size_t l = 0; l < w.w_v_sq.size(); ++l) {
    const double v = std::sqrt(w.w_v_sq[l]), o = std::sqrt(w.w_o_sq[l]);
    std::vector<std::string> cells{fmt::format("{}", l),
                                   fmt::format("{:.6g}", w.w_v_sq[l]),
                                   fmt::format("{:.6g}", v),
                                   fmt::format("{:.6g}", o),
                                   fmt::format("{:.4g}", v / o),
                                   fmt::format("{:.6g}", w.w_v_spectral[l]),
                                   fmt::format("{:.6g}", w.w_o_spectral[l]),
                                   fmt::format("{:.6g}", ov_total(w, l))};
    if (cut) cells.push_back(fmt::format("{:.6g}", w.w_v_cut_sq[l]));
    table.row(std::move(cells));
  }
  out += table.str(kColumns, "  ", paint);
  if (!tensors) return out;

  out += "\n";
  TextTable list;
  list.column("tensor", TextTable::Align::left);
  list.column("dtype", TextTable::Align::left);
  list.column("shape", TextTable::Align::left);
  for (const TensorInfo& tensor : found.tensors)
    list.row({one_line(tensor.name), std::string(info(tensor.type).name), tensor.shape.text()});
  return out + list.str(kColumns, "  ", paint);
}

std::string inspection_json(const Inspection& found) {
  const Architecture& a = found.architecture;
  JsonValue json{
      {"model", found.identity.model},
      {"path", found.identity.path},
      {"revision", json_value(found.identity.revision)},
      {"format", found.identity.format},
      {"stored_dtype", found.identity.stored_dtype},
      {"family", a.family},
      {"arch", a.notebook_name},
      {"layers", a.layers},
      {"heads", a.heads},
      {"kv_heads", a.kv_heads},
      {"head_dim", a.head_dim},
      {"hidden_size", a.hidden},
      {"mlp_size", a.mlp},
      {"vocab_size", a.vocab},
      {"max_positions", a.max_positions},
      {"position", position_name(a)},
      {"norm", norm_name(a)},
      {"norm_place", place_name(a)},
      {"residual", residual_name(a)},
      {"particular", particulars(a)},
      {"parameters", found.parameters},
      {"head_layout", name(found.head_layout)},
      {"ov_depends_on_gauge", depends_on_gauge(a)},
      {"warnings", found.warnings},
  };
  const WeightNorms& w = found.weights;
  JsonValue layers = JsonValue::array();
  for (size_t l = 0; l < w.w_v_sq.size(); ++l) {
    layers.push_back(
        {{"layer", l},
         {"w_v_frobenius_sq", json_number(w.w_v_sq[l])},
         {"w_v_frobenius_sq_per_kv_head", json_array(w.w_v_head_sq[l])},
         {"w_v_as_written_frobenius_sq", json_number(w.w_v_cut_sq.empty() ? w.w_v_sq[l] : w.w_v_cut_sq[l])},
         {"w_o_frobenius_sq", json_number(w.w_o_sq[l])},
         {"w_v_spectral", json_number(w.w_v_spectral[l])},
         {"w_o_spectral", json_number(w.w_o_spectral[l])},
         {"ov_frobenius_sq_per_head", json_array(w.ov_sq[l])}});
  }
  json["weight_norms"] = std::move(layers);
  JsonValue tensors = JsonValue::array();
  for (const TensorInfo& tensor : found.tensors)
    tensors.push_back({{"name", tensor.name}, {"dtype", info(tensor.type).name}, {"shape", tensor.shape.dims}});
  json["tensors"] = std::move(tensors);
  return write_json(json);
}

}  // namespace lstar
