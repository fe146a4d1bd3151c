#include "lstar/architecture/configured.h"

#include <sys/stat.h>

#include <memory>
#include <utility>

#include "lstar/architecture/family.h"
#include "lstar/base/catch_memory.h"
#include "lstar/base/json.h"
#include "lstar/checkpoint/checkpoint.h"
#include "lstar/checkpoint/folder_listing.h"

namespace lstar {
namespace {

// A checkpoint as far as its configuration: it has no tensors.
class ConfigurationAlone final : public Checkpoint {
 public:
  ConfigurationAlone(JsonDocument config, std::string folder) : config_(std::move(config)) {
    path_ = std::move(folder);
    format_ = "configuration";
  }
  Result<void> read(const TensorInfo& tensor, RowRange, std::span<float>) const override { return none(tensor); }
  Result<void> read(const TensorInfo& tensor, RowRange, std::span<double>) const override { return none(tensor); }
  Configuration configuration() const override { return Configuration(config_.root()); }
  TokenizerSource tokenizer() const override { return {}; }

 private:
  Result<void> none(const TensorInfo& tensor) const {
    return fail(
        {.kind = ErrorKind::missing, .what = "only the configuration was read", .file = path_, .at = tensor.name});
  }
  JsonDocument config_;
};

bool is_folder(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

}  // namespace

Result<Architecture> configured_architecture(const std::string& path) {
  return catch_memory("reading a configuration", path, [&]() -> Result<Architecture> {
    const std::string config = path + "/config.json";
    if (is_folder(path)) {
      LSTAR_ASSIGN(const bool has_config, is_readable(config));
      if (has_config) {
        LSTAR_ASSIGN(JsonDocument document, JsonDocument::read(config));
        if (!document.root().is_object()) return fail({.what = "not a JSON object", .file = config});
        return read_architecture(ConfigurationAlone(std::move(document), path));
      }
    }
    LSTAR_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint, open_checkpoint(path));
    return read_architecture(*checkpoint);
  });
}

}  // namespace lstar
