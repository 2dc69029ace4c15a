// SPDX-License-Identifier: MIT
#include "json.h"

#include <stdio.h>

int json_print(cJSON *object, bool one_line, struct fault *fault)
{
    char *text = one_line ? cJSON_PrintUnformatted(object) : cJSON_Print(object);

    cJSON_Delete(object);
    if (text == NULL)
        return fault_set(fault, EXIT_FAILED, "no memory for the JSON that was asked for");
    puts(text);
    cJSON_free(text);
    return fault_stdout(fault);
}
