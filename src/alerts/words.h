/* Every sentence that a phone, a messenger or Home Assistant shows, in every language. One row has
 * all of them, so none can be missing where it compiles. %1 to %9 stand for what is said of; a
 * language may turn their order around. Files, logs and the command line speak English. */
#pragma once

#include "base/buf.h"
#include "config/config.h"

/* clang-format off */
#define RW_WORDS(X) /*  key, Vietnamese, English */ \
    /* %1 camera, %2 what happened, %3 when */ \
    X(EVENT, "%1: %2 lúc %3", "%1: %2 at %3") \
    X(MOTION, "có người hoặc xe chuyển động", "a person or vehicle moved") \
    X(SCENE_CHANGE, "cả khung hình thay đổi", "the whole picture changed") \
    X(CAMERA_MOVED, "camera bị xoay hoặc xê dịch", "the camera was turned or shifted") \
    X(COVERED, "camera bị che hoặc không nhìn thấy gì", \
      "the camera was covered or could see nothing") \
    X(FAULT, "camera gửi dữ liệu hỏng hoặc bị đứng hình", \
      "the camera sends broken data or a picture that stands still") \
    X(CAMERA_CHANGED, "camera có thể đã bị thay", "the camera may have been swapped") \
    X(ACROSS, "qua %1", "across %1") /* a line */ \
    X(OVER, ", hết lúc %1", ", over at %1") \
    X(STILL_SO, ", vẫn như vậy lúc %1", ", still so at %1") \
    X(ACKED, ", %1 nhận đi xem", ", %1 goes to look") \
    X(CALL, "Nhờ %1 đi xem: %2, chưa ai nhận", /* %1 somebody, %2 EVENT */ \
      "%1, please go and look: %2; nobody has answered yet") \
    X(ON_DAY, "%1 ngày %2", "%1 on %2") /* a time of day of another day */ \
    /* %1 camera, %2 how many, %3 and %4 when, %5 what they were */ \
    X(BACKLOG, "%1: %2 cảnh báo chưa gửi được, từ %3 đến %4: %5", \
      "%1: %2 alerts that could not be sent, from %3 to %4: %5") \
    X(OFTEN, "%1: %2 lần trong %3 phút: %4", "%1: %2 times in %3 min: %4") /* %4 what they were */ \
    /* a camera's state: %1 camera */ \
    X(RECORDING, "%1: đang ghi hình", "%1: recording") \
    X(NOT_RECORDING, "%1: có hình nhưng không ghi được", "%1: has a picture but does not record") \
    X(CONNECTING, "%1: đang kết nối với camera", "%1: connecting to the camera") \
    X(OFFLINE, "%1: mất hình từ lúc %2", "%1: no picture since %2") \
    X(OFFLINE_ALWAYS, "%1: chưa có hình", "%1: no picture yet") \
    X(BLIND, ", camera bị che hoặc bị xê dịch", ", the camera is covered or was shifted") \
    X(DISARMED, ", đã tắt báo động", ", alerts are switched off") \
    X(SNOOZED, ", đang tạm dừng báo động", ", alerts are paused") \
    X(OFF_DUTY, ", ngoài giờ báo động", ", outside the hours of alerts") \
    /* and why, as far as one in the village can do something about it */ \
    X(WHY_SILENT, " (camera không trả lời, xem lại điện và dây mạng)", \
      " (the camera does not answer; look at its power and its cable)") \
    X(WHY_REFUSED, " (camera không nhận kết nối)", " (the camera takes no connection)") \
    X(WHY_LOGIN, " (sai tên hoặc mật khẩu của camera)", \
      " (the camera's user name or password is wrong)") \
    X(WHY_ADDRESS, " (sai địa chỉ của camera)", " (the camera's address is wrong)") \
    X(WHY_BROKE, " (camera ngắt kết nối)", " (the camera broke the connection)") \
    X(WHY_NO_PICTURE, " (camera không gửi hình, nên khởi động lại camera)", \
      " (the camera sends no picture; restart it)") \
    X(WHY_STILL, " (camera bị đứng hình, nên khởi động lại camera)", \
      " (the camera's picture stands still; restart it)") \
    X(WHY_LOSSY, " (mạng yếu, hình bị hỏng từng đoạn)", \
      " (the network is weak, parts of the picture are damaged)") \
    X(WHY_BUSY, " (máy không xem kịp hết hình)", " (the box is too slow to watch every picture)") \
    X(WHY_DISK, " (ổ đĩa có lỗi)", " (something is wrong with the disk)") \
    X(WHY_STOPPED, " (máy ghi hình của camera này đang dừng)", \
      " (the recorder of this camera is not running)") \
    X(WHY_OTHER, " (có trục trặc, nhờ người lắp máy xem giúp)", \
      " (something is wrong; ask the installer)") \
    /* names of a camera's parts in Home Assistant */ \
    X(HOME_MOTION, "Chuyển động", "Motion") \
    X(HOME_PICTURE, "Hình mới nhất", "Newest picture") \
    X(HOME_LAST_EVENT, "Cảnh báo gần nhất", "Last alert") \
    X(HOME_ARMED, "Báo động", "Alerts") \
    X(HOME_CONNECTION, "Kết nối", "Connection")
/* clang-format on */

#define RW_WORDS_KEY(key, vietnamese, english) RW_SAY_##key,
enum rw_words { RW_WORDS(RW_WORDS_KEY) RW_WORDS_COUNT };

enum rw_language { RW_VIETNAMESE, RW_ENGLISH, RW_LANGUAGES };

enum rw_language rw_language_of(const struct rw_config *config);

/* Static. As it stands in the table. */
const char *rw_words(enum rw_words key, enum rw_language language);

/* Adds the words; after the key, what stands for %1, %2 and so on: char pointers, then NULL. What a
 * missing one stands for is left out. */
void rw_say(struct rw_buf *out, enum rw_language language, enum rw_words key, ...)
    __attribute__((sentinel));
