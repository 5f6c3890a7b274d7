// The generated ONNX classes of Debian's libonnx-dev. Only the importer and its tests include this.
#pragma once

#ifndef ONNX_ML
#define ONNX_ML 1 // the schema flavour that libonnx_proto was built with
#endif
#ifndef ONNX_NAMESPACE
#define ONNX_NAMESPACE onnx
#endif
#include <onnx/onnx_pb.h>
