// Decoding PNG and JPEG. Both libraries report errors their own way; here they become UserErrors.
#include "dnn/base/error.hpp"
#include "dnn/base/files.hpp"
#include "dnn/image.hpp"

#include <csetjmp>
#include <cstdio> // jpeglib.h needs FILE
#include <jpeglib.h>
#include <png.h>

namespace heddle {

namespace {

constexpr std::int64_t most_pixels = std::int64_t{1} << 28;

void set_size(Picture& picture, std::int64_t rows, std::int64_t cols, const std::string& path)
{
    if (rows < 1 || cols < 1 || rows > most_pixels / cols) {
        throw UserError(path + ": a picture of " + std::to_string(cols) + " x " + std::to_string(rows) +
                        " pixels is too large");
    }
    picture.rows = static_cast<int>(rows);
    picture.cols = static_cast<int>(cols);
    picture.rgb.resize(static_cast<std::size_t>(rows * cols * 3));
}

Picture decode_png(const std::string& content, const std::string& path)
{
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    if (png_image_begin_read_from_memory(&image, content.data(), content.size()) == 0) {
        throw UserError(path + ": corrupt PNG: " + image.message);
    }
    image.format = PNG_FORMAT_RGB;
    image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB; // 16-bit files are taken like 8-bit ones, not as linear light
    Picture picture;
    try {
        set_size(picture, image.height, image.width, path);
    } catch (...) {
        png_image_free(&image);
        throw;
    }
    const png_color black{0, 0, 0};
    if (png_image_finish_read(&image, &black, picture.rgb.data(), 0, nullptr) == 0) {
        throw UserError(path + ": corrupt PNG: " + image.message);
    }
    return picture;
}

struct JpegErrors {
    jpeg_error_mgr manager;
    std::jmp_buf back;
    char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void leave_libjpeg(j_common_ptr info)
{
    auto* errors = reinterpret_cast<JpegErrors*>(info->err);
    info->err->format_message(info, errors->message);
    std::longjmp(errors->back, 1);
}

/// libjpeg fills what is missing with grey and warns; a broken picture is an error to us.
void warning_is_error(j_common_ptr info, int level)
{
    if (level < 0) leave_libjpeg(info);
}

/// Between setjmp and longjmp nothing with a destructor may be created: the caller owns all memory.
/// Returns false with errors.message set; `size_only` stops after the header.
bool run_libjpeg(const std::string& content, Picture& picture, JpegErrors& errors, bool size_only)
{
    jpeg_decompress_struct info{};
    info.err = jpeg_std_error(&errors.manager);
    errors.manager.error_exit = leave_libjpeg;
    errors.manager.emit_message = warning_is_error;
    if (setjmp(errors.back) != 0) {
        jpeg_destroy_decompress(&info);
        return false;
    }
    jpeg_create_decompress(&info);
    jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(content.data()), content.size());
    jpeg_read_header(&info, TRUE);
    picture.rows = static_cast<int>(info.image_height);
    picture.cols = static_cast<int>(info.image_width);
    if (!size_only) {
        info.out_color_space = JCS_RGB;
        jpeg_start_decompress(&info);
        while (info.output_scanline < info.output_height) {
            JSAMPROW row = picture.rgb.data() + static_cast<std::size_t>(info.output_scanline) * info.image_width * 3;
            jpeg_read_scanlines(&info, &row, 1);
        }
        jpeg_finish_decompress(&info);
    }
    jpeg_destroy_decompress(&info);
    return true;
}

Picture decode_jpeg(const std::string& content, const std::string& path)
{
    Picture picture;
    JpegErrors errors{};
    bool good = run_libjpeg(content, picture, errors, true);
    if (good) {
        set_size(picture, picture.rows, picture.cols, path);
        good = run_libjpeg(content, picture, errors, false);
    }
    if (!good) throw UserError(path + ": corrupt JPEG: " + errors.message);
    return picture;
}

} // namespace

Picture read_picture(const std::string& path)
{
    const std::string content = read_file(path);
    if (content.compare(0, 4, "\x89PNG") == 0) return decode_png(content, path);
    if (content.compare(0, 2, "\xff\xd8") == 0) return decode_jpeg(content, path);
    throw UserError(path + ": neither a PNG nor a JPEG picture");
}

} // namespace heddle
