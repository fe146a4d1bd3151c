# The program, the libraries, and the headers as lstar/<folder>/<file>.h.
include(GNUInstallDirs)

get_property(targets DIRECTORY PROPERTY BUILDSYSTEM_TARGETS)
foreach(target IN LISTS targets)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL "STATIC_LIBRARY" OR target STREQUAL "lstar")
    install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  endif()
endforeach()
install(DIRECTORY lstar/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lstar FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/generated/lstar/version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/lstar)
