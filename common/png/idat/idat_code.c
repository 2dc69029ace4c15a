// SPDX-License-Identifier: MIT
/*
 * One Huffman code per block, in a shape that vector look-ups can apply.
 *
 * A general code of 256 literals is a table of 256 entries: one load per byte, one byte at a time. A vector register
 * looks up 32 bytes at a time, but in tables of 16. What a good filter leaves is mostly near zero, so the code is made
 * of a part that is exact where it counts and a part that is merely good:
 *
 *     literal (as a signed byte)  -128      -32     -16     0      15      31     127
 *                                   |   far   |       near         |   far    |
 *     near: 32 literals, each with the length that its frequency deserves, at most NEAR_BITS: two tables of 16
 *     far:  14 groups of 16 literals with a common high nibble: a prefix by the group, then the low nibble as it is
 *
 *         near   ppppp                  p: from a table by the byte
 *         far    ppppppp llll           p: from a table by the high nibble; l: low nibble, highest bit first
 *
 * Where the bytes are noise, the "near" ones deserve nothing special: then all 16 groups are far, and eight bits and a
 * little is the worst there is. Both shapes are fitted to the counts and the cheaper one is taken; or, if they are both
 * much dearer than that, a plain code of any shape, which kernels then look up byte by byte.
 *
 * Deflate sends only lengths; the codes follow from them (RFC 1951, 3.2.2): shorter ones first, equal ones by symbol,
 * each one more than the one before. For a group to get sixteen codes that differ in their last four bits only, its
 * first code must be a multiple of 16, and so all codes before it must fill a multiple of 16 codes of its length:
 *
 *     length   2   4      5        9 = 5 + 4               13 = 9 + 4          13, 14
 *            | near ...          | group 1 |  group 14   | group 2 ...       | rare      |
 *            0                                                                           1
 *
 * That holds when no near code is longer than the shortest prefix, and when the rare symbols (the end of the block and
 * length symbols that are hardly used) come after all groups. A length symbol that is used much is "near" too; as it is
 * no literal it may stand anywhere.
 *
 * So with a limit M for the near codes, the far ones share g of the 2^M places at depth M and none is above it. A few M
 * are tried, with the g that the far ones' weight asks for; within them lengths are fitted greedily, which takes a few
 * µs.
 */
#include "idat_code.h"

#define NEAR_LITERALS 32u
#define NEAR_BITS 8u
#define NEAR_BITS_LEAST 6u /* 32 near ones and the far ones do not fit 5 */
#define RUN_SYMBOLS (SYMBOL_COUNT - SYMBOL_RUN)
#define FREQUENT_MAX 13u /* length symbols among the near ones; at least 17 symbols then stay rare */
#define NEAR_MAX (NEAR_LITERALS + FREQUENT_MAX)
#define FAR_MAX 17u /* groups, and the rare symbols as one */
#define PREFIX_BITS (LITERAL_BITS_MAX - 4u)
#define RARE_DEPTH 4u /* of 17 to 30 leaves under one node: 4 or 5 */

#define HEAD_SYMBOLS 19u
#define HEAD_BITS 7u

/* Of each length symbol the shortest run and the number of extra bits: RFC 1951, 3.2.5. */
static const struct {
    uint16_t first;
    uint8_t extra;
} run_symbols[RUN_SYMBOLS] = {
    {3, 0},  {4, 0},  {5, 0},  {6, 0},   {7, 0},   {8, 0},   {9, 0},   {10, 0},  {11, 1},  {13, 1},
    {15, 1}, {17, 1}, {19, 2}, {23, 2},  {27, 2},  {31, 2},  {35, 3},  {43, 3},  {51, 3},  {59, 3},
    {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0},
};

struct part {
    uint32_t weights[SYMBOL_COUNT];
    uint8_t lengths[SYMBOL_COUNT];
    unsigned count;
};

/* Near lengths by literal or length symbol, far ones by high nibble; the far part's last is for the rare symbols. */
struct plan {
    struct part near, far;
    uint16_t near_symbols[NEAR_MAX];
    uint8_t far_nibbles[FAR_MAX];
};

/* In 1/256; within 1/100 of the truth. value: not 0. */
static uint32_t log2_256(uint32_t value)
{
    const unsigned exponent = 31 - (unsigned)__builtin_clz(value);
    const uint32_t fraction = (value << (31 - exponent)) >> 23 & 0xff;
    return exponent << 8 | (fraction + (fraction * (256 - fraction) * 88 >> 16));
}

static uint32_t ideal_length(uint32_t share_log2, uint32_t weight, unsigned min, unsigned max)
{
    const uint32_t log2 = log2_256(weight);
    const uint32_t length = log2 >= share_log2 ? 0 : (share_log2 - log2 + 128) >> 8;
    return length < min ? min : length > max ? max : length;
}

/* Lengthens, one bit at a time, what costs least for the room it gives back. */
static uint32_t shrink(struct part *part, unsigned max, uint32_t budget, uint32_t used)
{
    while (used > budget) {
        unsigned best = part->count;
        uint64_t best_cost = UINT64_MAX;
        for (unsigned i = 0; i < part->count; i++) {
            const uint64_t cost = (uint64_t)part->weights[i] << part->lengths[i];
            if (part->lengths[i] < max && cost < best_cost) {
                best = i;
                best_cost = cost;
            }
        }
        part->lengths[best]++;
        used -= 1u << (max - part->lengths[best]);
    }
    return used;
}

/* Shortens, one bit at a time, the heaviest that the room left allows. */
static uint32_t grow(struct part *part, unsigned min, unsigned max, uint32_t budget, uint32_t used)
{
    while (used < budget) {
        unsigned best = part->count;
        uint32_t best_weight = 0;
        for (unsigned i = 0; i < part->count; i++) {
            const uint32_t needs = 1u << (max - part->lengths[i]);
            if (part->lengths[i] > min && needs <= budget - used && part->weights[i] > best_weight) {
                best = i;
                best_weight = part->weights[i];
            }
        }
        if (best == part->count)
            return used;
        used += 1u << (max - part->lengths[best]);
        part->lengths[best]--;
    }
    return used;
}

/* The lightest gives up room until the smallest piece that is left can be filled by somebody else. */
static bool part_loosen(struct part *part, unsigned max, uint32_t left)
{
    const unsigned wanted = max - (unsigned)__builtin_ctz(left);
    unsigned lightest = part->count;

    for (unsigned i = 0; i < part->count; i++)
        if (part->lengths[i] < wanted && (lightest == part->count || part->weights[i] < part->weights[lightest]))
            lightest = i;
    if (lightest == part->count)
        return false;
    part->lengths[lightest] = (uint8_t)wanted;
    part->weights[lightest] = 0; /* and is not shortened again */
    return true;
}

static uint32_t part_used(const struct part *part, unsigned max)
{
    uint32_t used = 0;
    for (unsigned i = 0; i < part->count; i++)
        used += 1u << (max - part->lengths[i]);
    return used;
}

/*
 * Lengths from min to max with the sum of 2^(max - length) exactly budget, as deflate wants every code used.
 * share_log2: log2 of (all weights * 2^max / budget), in 1/256. Returns false where that cannot be done. Changes
 * weights.
 */
static bool part_fit(struct part *part, unsigned min, unsigned max, uint32_t budget, uint32_t share_log2)
{
    if (part->count > budget)
        return false;
    for (unsigned i = 0; i < part->count; i++)
        part->lengths[i] = (uint8_t)ideal_length(share_log2, part->weights[i], min, max);
    for (unsigned tries = 0; tries <= max; tries++) {
        uint32_t used = shrink(part, max, budget, part_used(part, max));
        used = grow(part, min, max, budget, used);
        if (used == budget)
            return true;
        if (!part_loosen(part, max, budget - used))
            return false;
    }
    return false;
}

static uint32_t part_weight(const struct part *part)
{
    uint32_t sum = 0;
    for (unsigned i = 0; i < part->count; i++)
        sum += part->weights[i];
    return sum;
}

static uint64_t part_cost(const struct part *part, const struct part *weights, unsigned more)
{
    uint64_t cost = 0;
    for (unsigned i = 0; i < part->count; i++)
        cost += (uint64_t)weights->weights[i] * (part->lengths[i] + more);
    return cost;
}

static void swap_lengths(struct part *part, unsigned a, unsigned b)
{
    const uint8_t length = part->lengths[a];
    part->lengths[a] = part->lengths[b];
    part->lengths[b] = length;
}

/* The rare symbols come after all groups, so their node is among the deepest. */
static void put_rare_last(struct part *far)
{
    unsigned deepest = far->count - 1;
    for (unsigned i = 0; i < far->count; i++)
        if (far->lengths[i] > far->lengths[deepest])
            deepest = i;
    swap_lengths(far, deepest, far->count - 1);
}

/* Fits a plan whose near codes have up to limit bits. Returns its cost in bits, UINT64_MAX if there is none. */
static uint64_t plan_fit(struct plan *plan, unsigned limit)
{
    const struct plan asked = *plan;
    const uint32_t near = part_weight(&plan->near), far = part_weight(&plan->far), all = near + far;
    const uint32_t places = 1u << limit, deep = 1u << (PREFIX_BITS - limit);
    const uint32_t least = (plan->far.count + deep - 1) / deep, most = plan->far.count;
    uint32_t given = plan->near.count == 0 ? 1 : (uint32_t)(((uint64_t)far * places + all / 2) / all);
    uint32_t all_log2 = log2_256(all);

    given = given < least ? least : given > most ? most : given;
    if (plan->near.count > 0) {
        if (given >= places || !part_fit(&plan->near, 1, limit, places - given, all_log2))
            return UINT64_MAX;
    }
    all_log2 = log2_256(far) + (limit << 8) - log2_256(given);
    if (!part_fit(&plan->far, limit > 0 ? limit : 1, PREFIX_BITS, given * deep, all_log2))
        return UINT64_MAX;
    put_rare_last(&plan->far);
    return part_cost(&plan->near, &asked.near, 0) + part_cost(&plan->far, &asked.far, 4);
}

static uint32_t literal_count(const struct idat_counts *counts, unsigned literal)
{
    return counts->literals[0][literal] + counts->literals[1][literal] + counts->literals[2][literal] +
           counts->literals[3][literal];
}

/* The sample is not the whole: nothing is impossible, merely eight times rarer than what was seen once. */
static void part_add(struct part *part, uint32_t weight)
{
    part->weights[part->count++] = weight * 8 + 1;
}

static void plan_add_near(struct plan *plan, unsigned symbol, uint32_t weight)
{
    plan->near_symbols[plan->near.count] = (uint16_t)symbol;
    part_add(&plan->near, weight);
}

static void plan_add_group(struct plan *plan, unsigned nibble, const uint32_t *literals)
{
    uint32_t weight = 0;
    for (unsigned i = 0; i < 16; i++)
        weight += literals[nibble * 16 + i];
    plan->far_nibbles[plan->far.count] = (uint8_t)nibble;
    part_add(&plan->far, weight);
}

/* All groups far, every length symbol rare. */
static void plan_for_noise(struct plan *plan, const uint32_t *literals, const struct idat_counts *counts)
{
    uint32_t rare = 0;

    plan->near.count = plan->far.count = 0;
    for (unsigned nibble = 0; nibble < 16; nibble++)
        plan_add_group(plan, nibble, literals);
    for (unsigned i = 0; i < RUN_SYMBOLS; i++)
        rare += counts->runs[i];
    part_add(&plan->far, rare);
}

static void plan_for_signal(struct plan *plan, const uint32_t *literals, const struct idat_counts *counts)
{
    uint32_t rare = 0, all = 0;

    plan->near.count = plan->far.count = 0;
    for (unsigned i = 0; i < 16; i++)
        plan_add_near(plan, i, literals[i]);
    for (unsigned i = 240; i < 256; i++)
        plan_add_near(plan, i, literals[i]);
    for (unsigned nibble = 1; nibble < 15; nibble++)
        plan_add_group(plan, nibble, literals);
    for (unsigned i = 0; i < 256; i++)
        all += literals[i];
    for (unsigned i = 0; i < RUN_SYMBOLS; i++) {
        if (counts->runs[i] > all >> 10 && plan->near.count < NEAR_MAX)
            plan_add_near(plan, SYMBOL_RUN + i, counts->runs[i]);
        else
            rare += counts->runs[i];
    }
    part_add(&plan->far, rare);
}

/* Spreads the rare symbols under their node: as many as fit at RARE_DEPTH, the others one deeper. */
static void set_rare_lengths(uint8_t *lengths, unsigned node)
{
    unsigned count = 0, upper;

    for (unsigned i = SYMBOL_END; i < SYMBOL_COUNT; i++)
        count += lengths[i] == 0;
    upper = (2u << RARE_DEPTH) - count;
    for (unsigned i = SYMBOL_END; i < SYMBOL_COUNT; i++) {
        if (lengths[i] != 0)
            continue;
        lengths[i] = (uint8_t)(node + RARE_DEPTH + (upper == 0));
        upper -= upper > 0;
    }
}

/*
 * Any code at all, for what the vector shapes do not fit: a few values far from zero, used again and again, as edges in
 * synthetic pictures have them. It is applied literal by literal. Returns its cost, UINT64_MAX if there is none.
 */
static uint64_t plain_fit(struct part *plain, const uint32_t *literals, const struct idat_counts *counts)
{
    struct part asked;

    plain->count = 0;
    for (unsigned i = 0; i < 256; i++)
        part_add(plain, literals[i]);
    part_add(plain, 0); /* SYMBOL_END */
    for (unsigned i = 0; i < RUN_SYMBOLS; i++)
        part_add(plain, counts->runs[i]);
    asked = *plain;
    if (!part_fit(plain, 1, LITERAL_BITS_MAX, 1u << LITERAL_BITS_MAX, log2_256(part_weight(plain))))
        return UINT64_MAX;
    return part_cost(plain, &asked, 0);
}

/*
 * Literal by literal is half as fast, so a plain code must save a sixteenth; or anything at all worth mentioning where
 * most bytes are in runs.
 */
static bool plain_pays(uint64_t plain, uint64_t vector, const uint32_t *literals, const struct idat_counts *counts)
{
    uint64_t in_literals = 0, in_runs = 0;

    for (unsigned i = 0; i < 256; i++)
        in_literals += literals[i];
    for (unsigned i = 0; i < RUN_SYMBOLS; i++)
        in_runs += (uint64_t)counts->runs[i] * run_symbols[i].first;
    return plain < vector - vector / (in_runs > in_literals * 8 ? 64 : 16);
}

static void set_lengths(struct idat_code *code, const struct plan *plan)
{
    memset(code->lengths, 0, sizeof(code->lengths));
    for (unsigned i = 0; i < plan->near.count; i++)
        code->lengths[plan->near_symbols[i]] = plan->near.lengths[i];
    for (unsigned i = 0; i + 1 < plan->far.count; i++)
        memset(code->lengths + plan->far_nibbles[i] * 16, plan->far.lengths[i] + 4, 16);
    set_rare_lengths(code->lengths, plan->far.lengths[plan->far.count - 1]);
}

static unsigned reverse(unsigned code, unsigned length)
{
    unsigned reversed = 0;
    for (; length > 0; length--, code >>= 1)
        reversed = reversed << 1 | (code & 1);
    return reversed;
}

/* RFC 1951, 3.2.2. count: of symbols; lengths up to 15, 0: not used. Returns false unless the code is complete. */
static bool set_codes(uint16_t *bits, const uint8_t *lengths, unsigned count)
{
    unsigned next[16] = {0}, of_length[16] = {0}, code = 0;

    for (unsigned i = 0; i < count; i++)
        of_length[lengths[i]]++;
    of_length[0] = 0;
    for (unsigned length = 1; length < 16; length++) {
        code = (code + of_length[length - 1]) << 1;
        next[length] = code;
    }
    if (next[15] + of_length[15] != 1u << 15)
        return false;
    for (unsigned i = 0; i < count; i++)
        bits[i] = lengths[i] == 0 ? 0 : (uint16_t)reverse(next[lengths[i]]++, lengths[i]);
    return true;
}

unsigned idat_run_symbol(size_t length)
{
    unsigned symbol = RUN_SYMBOLS - 1;
    while (run_symbols[symbol].first > length)
        symbol--;
    return symbol;
}

/* The one distance code is a single 0 bit, so it is there by adding 1 to the length. */
static void set_runs(struct idat_code *code)
{
    unsigned symbol = 0;

    for (unsigned length = RUN_MIN; length <= RUN_MAX; length++) {
        if (symbol + 1 < RUN_SYMBOLS && run_symbols[symbol + 1].first == length)
            symbol++;
        const unsigned bits = code->lengths[SYMBOL_RUN + symbol];
        code->run_bits[length] = code->bits[SYMBOL_RUN + symbol] | (length - run_symbols[symbol].first) << bits;
        code->run_lengths[length] = (uint8_t)(bits + run_symbols[symbol].extra + 1);
    }
}

static void set_lookup(struct idat_code *code, const struct plan *plan)
{
    struct idat_lookup *lookup = &code->lookup;

    memset(lookup, 0, sizeof(*lookup));
    for (unsigned i = 0; i < plan->near.count && plan->near_symbols[i] < 256; i++) {
        const unsigned literal = plan->near_symbols[i];
        const unsigned side = literal >= 128, index = side ? 255 - literal : literal;
        lookup->near_bits[side][index] = (uint8_t)code->bits[literal];
        lookup->near_lengths[side][index] = code->lengths[literal];
    }
    for (unsigned i = 0; i + 1 < plan->far.count; i++) {
        const unsigned nibble = plan->far_nibbles[i], scale = 1u << plan->far.lengths[i];
        const unsigned prefix = code->bits[nibble * 16]; /* of the low nibble 0: nothing behind the prefix */
        lookup->far_prefix[0][nibble] = (uint8_t)prefix;
        lookup->far_prefix[1][nibble] = (uint8_t)(prefix >> 8);
        lookup->far_scale[0][nibble] = (uint8_t)scale;
        lookup->far_scale[1][nibble] = (uint8_t)(scale >> 8);
        lookup->far_lengths[nibble] = (uint8_t)(plan->far.lengths[i] + 4);
    }
}

/* The cheaper of the vector shapes. Returns its cost. */
static uint64_t choose_plan(struct plan *best, const uint32_t *literals, const struct idat_counts *counts)
{
    struct plan signal;
    uint64_t best_cost;

    plan_for_noise(best, literals, counts);
    best_cost = plan_fit(best, 0);
    for (unsigned limit = NEAR_BITS; limit >= NEAR_BITS_LEAST; limit--) {
        plan_for_signal(&signal, literals, counts);
        const uint64_t cost = plan_fit(&signal, limit);
        if (cost < best_cost) {
            best_cost = cost;
            *best = signal;
        }
    }
    return best_cost;
}

bool idat_code_make(struct idat_code *code, const struct idat_counts *counts)
{
    struct plan plan;
    struct part plain;
    uint32_t literals[256];

    for (unsigned i = 0; i < 256; i++)
        literals[i] = literal_count(counts, i);
    const uint64_t cost = choose_plan(&plan, literals, counts);
    if (cost == UINT64_MAX)
        return false;
    code->plain = plain_pays(idat_code_estimate(counts) * 8 >> 8, cost, literals, counts) && /* costs weigh 8 times */
                  plain_pays(plain_fit(&plain, literals, counts), cost, literals, counts);
    if (code->plain)
        memcpy(code->lengths, plain.lengths, SYMBOL_COUNT);
    else
        set_lengths(code, &plan);
    if (!set_codes(code->bits, code->lengths, SYMBOL_COUNT))
        return false;
    for (unsigned i = 0; i < 256; i++)
        code->literals[i] = code->bits[i] | (uint32_t)code->lengths[i] << 16;
    set_runs(code);
    if (!code->plain)
        set_lookup(code, &plan);
    return true;
}

uint64_t idat_code_estimate(const struct idat_counts *counts)
{
    uint64_t sum = 0, weighted = 0, extra = 0;

    for (unsigned i = 0; i < 256; i++) {
        const uint32_t count = literal_count(counts, i);
        if (count > 0)
            weighted += (uint64_t)count * log2_256(count);
        sum += count;
    }
    for (unsigned i = 0; i < RUN_SYMBOLS; i++) {
        const uint32_t count = counts->runs[i];
        if (count > 0)
            weighted += (uint64_t)count * log2_256(count);
        sum += count;
        extra += (uint64_t)count * (run_symbols[i].extra + 1u);
    }
    return sum == 0 ? 0 : sum * log2_256((uint32_t)sum) - weighted + (extra << 8);
}

/* The block's head: lengths, run-length coded (RFC 1951, 3.2.7). */
struct head {
    uint8_t symbols[SYMBOL_COUNT + 4], extra[SYMBOL_COUNT + 4];
    unsigned count;
};

static void head_add(struct head *head, unsigned symbol, unsigned extra)
{
    head->symbols[head->count] = (uint8_t)symbol;
    head->extra[head->count++] = (uint8_t)extra;
}

/* Every literal/length symbol has a code, so zeros are few: only repeats (16) are worth having. */
static void head_fill(struct head *head, const uint8_t *lengths, unsigned count)
{
    head->count = 0;
    for (unsigned i = 0; i < count;) {
        unsigned same = 1;
        while (i + same < count && lengths[i + same] == lengths[i])
            same++;
        head_add(head, lengths[i], 0);
        i += same--;
        for (; same >= 3; same -= same < 6 ? same : 6)
            head_add(head, 16, (same < 6 ? same : 6) - 3);
        for (; same > 0; same--)
            head_add(head, lengths[i - 1], 0);
    }
}

static bool head_code(const struct head *head, uint16_t *bits, uint8_t *lengths)
{
    struct part part = {.count = 0};
    uint32_t uses[HEAD_SYMBOLS] = {0};
    unsigned used[HEAD_SYMBOLS];

    for (unsigned i = 0; i < head->count; i++)
        uses[head->symbols[i]]++;
    for (unsigned i = 0; i < HEAD_SYMBOLS; i++) {
        if (uses[i] == 0)
            continue;
        used[part.count] = i;
        part.weights[part.count++] = uses[i];
    }
    if (!part_fit(&part, 1, HEAD_BITS, 1u << HEAD_BITS, log2_256(head->count)))
        return false;
    memset(lengths, 0, HEAD_SYMBOLS);
    for (unsigned i = 0; i < part.count; i++)
        lengths[used[i]] = part.lengths[i];
    return set_codes(bits, lengths, HEAD_SYMBOLS);
}

bool idat_code_write(const struct idat_code *code, unsigned period, bool last, struct idat_bits *bits)
{
    static const uint8_t order[HEAD_SYMBOLS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[SYMBOL_COUNT + 4] = {0}, head_lengths[HEAD_SYMBOLS];
    uint16_t head_bits[HEAD_SYMBOLS];
    struct head head;

    /* Distance symbol d stands for distance d + 1 as far as 4: one symbol of one bit, the others unused. */
    memcpy(lengths, code->lengths, SYMBOL_COUNT);
    lengths[SYMBOL_COUNT + period - 1] = 1;
    head_fill(&head, lengths, SYMBOL_COUNT + period);
    if (!head_code(&head, head_bits, head_lengths))
        return false;

    idat_bits_put(bits, (last ? 1u : 0u) | 2u << 1, 3);
    idat_bits_put(bits, SYMBOL_COUNT - 257, 5);
    idat_bits_put(bits, period - 1, 5);
    idat_bits_put(bits, HEAD_SYMBOLS - 4, 4);
    for (unsigned i = 0; i < HEAD_SYMBOLS; i++)
        idat_bits_put(bits, head_lengths[order[i]], 3);
    for (unsigned i = 0; i < head.count; i++) {
        idat_bits_put(bits, head_bits[head.symbols[i]], head_lengths[head.symbols[i]]);
        if (head.symbols[i] == 16)
            idat_bits_put(bits, head.extra[i], 2);
    }
    return true;
}
