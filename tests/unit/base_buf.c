/* Lists and JSON members: what every room takes for granted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"

static void a_list_grows_as_often_as_it_must_and_keeps_its_entries(void **state)
{
    (void)state;
    int64_t *list = NULL;
    int capacity = 0, moves = 0;
    for (int count = 0; count < 1000; count++) {
        int before = capacity;
        list = rw_list_grow(list, count, &capacity, sizeof *list);
        assert_true(capacity > count);
        moves += capacity != before;
        list[count] = -count;
    }
    for (int i = 0; i < 1000; i++)
        assert_int_equal(list[i], -i);
    assert_in_range(moves, 1, 10);
    free(list);
}

static void a_member_is_copied_where_it_is_text_and_fits(void **state)
{
    (void)state;
    char out[5] = "old";
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:i}", "fits", "ngõ", "long", "ngõ 5", "none", "", "number", 7);
    assert_true(rw_json_copy_text(json, "fits", out, sizeof out));
    assert_string_equal(out, "ngõ");
    assert_false(rw_json_copy_text(json, "long", out, sizeof out));
    assert_false(rw_json_copy_text(json, "number", out, sizeof out));
    assert_false(rw_json_copy_text(json, "missing", out, sizeof out));
    assert_false(rw_json_copy_text(NULL, "fits", out, sizeof out));
    assert_string_equal(out, "ngõ"); /* as it was */
    assert_true(rw_json_copy_text(json, "none", out, sizeof out));
    assert_string_equal(out, "");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_grows_as_often_as_it_must_and_keeps_its_entries),
        cmocka_unit_test(a_member_is_copied_where_it_is_text_and_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
