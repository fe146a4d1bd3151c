# The program, the libraries with their headers as lstar/<folder>/<file>.h, and what find_package(lstar) reads.
include(GNUInstallDirs)

set(libraries lstar_options)
foreach(folder base checkpoint hub tokenizer observe compute architecture model analysis study report)
  list(APPEND libraries lstar_${folder})
endforeach()
install(TARGETS lstar RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${libraries} EXPORT lstarTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT lstarTargets NAMESPACE lstar:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lstar)
install(FILES cmake/lstarConfig.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/lstar)
install(DIRECTORY lstar/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lstar FILES_MATCHING PATTERN "*.h"
        PATTERN "*-inl.h" EXCLUDE PATTERN "cli" EXCLUDE PATTERN "cpu" EXCLUDE)
install(FILES ${PROJECT_BINARY_DIR}/generated/lstar/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lstar)
