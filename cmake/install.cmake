# What is installed: the program; one library, liblstar, of every folder but cli/, static or (BUILD_SHARED_LIBS) shared;
# the public headers as lstar/<folder>/<file>.h; what find_package(lstar) and pkg-config read. A program links lstar::lstar.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
include(cmake/public_headers.cmake)

option(BUILD_SHARED_LIBS "Build liblstar as a shared library" OFF)
add_library(lstar_library)
foreach(folder base checkpoint hub tokenizer compute architecture model analysis study report)
  target_sources(lstar_library PRIVATE $<TARGET_OBJECTS:lstar_${folder}>)
endforeach()
set_target_properties(lstar_library PROPERTIES OUTPUT_NAME lstar EXPORT_NAME lstar LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})  # no promise across 0.x yet
target_compile_features(lstar_library PUBLIC cxx_std_20)
target_link_libraries(lstar_library PUBLIC tl::expected PRIVATE Threads::Threads fmt::fmt simdjson::simdjson ICU::uc
                      OpenSSL::Crypto SQLite::SQLite3 tomlplusplus::tomlplusplus PkgConfig::MINIZIP PkgConfig::ONIG ${CMAKE_DL_LIBS})
target_include_directories(lstar_library INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

# Whoever links the static library needs what it is made of; the shared one brings it along.
get_target_property(LSTAR_LIBRARY_TYPE lstar_library TYPE)
set(LSTAR_PC_REQUIRES "fmt simdjson icu-uc libcrypto sqlite3 tomlplusplus minizip oniguruma")
if(LSTAR_LIBRARY_TYPE STREQUAL SHARED_LIBRARY)
  set(LSTAR_PC_REQUIRES "")
endif()
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/lstar)
configure_package_config_file(cmake/lstarConfig.cmake.in lstarConfig.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(lstarConfigVersion.cmake COMPATIBILITY SameMinorVersion)
file(RELATIVE_PATH LSTAR_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)  # wherever it is installed to
configure_file(cmake/lstar.pc.in lstar.pc @ONLY)

install(TARGETS lstar RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT program)
install(TARGETS lstar_library EXPORT lstarTargets COMPONENT library
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(header ${LSTAR_PUBLIC_HEADERS})
  cmake_path(GET header PARENT_PATH folder)
  install(FILES lstar/${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lstar/${folder} COMPONENT library)
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/generated/lstar/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lstar
        COMPONENT library)
install(EXPORT lstarTargets NAMESPACE lstar:: DESTINATION ${package} COMPONENT library)
install(FILES ${PROJECT_BINARY_DIR}/lstarConfig.cmake ${PROJECT_BINARY_DIR}/lstarConfigVersion.cmake
        DESTINATION ${package} COMPONENT library)
install(FILES ${PROJECT_BINARY_DIR}/lstar.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig COMPONENT library)
