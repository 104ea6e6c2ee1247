// Ways between latent vectors.

/** Spherical interpolation, as `zoo.tasks.generator` has it; straight where both point alike. */
export function between(first, last, share) {
  const norms = Math.sqrt(dot(first, first) * dot(last, last));
  const angle = norms ? Math.acos(Math.min(1, Math.max(-1, dot(first, last) / norms))) : 0;
  const parts =
    Math.sin(angle) < 1e-6
      ? [1 - share, share]
      : [Math.sin((1 - share) * angle), Math.sin(share * angle)].map((p) => p / Math.sin(angle));
  return first.map((value, i) => parts[0] * value + parts[1] * last[i]);
}

const MANY = 16; // normal numbers: their vectors are nearly all as long as one another

/** `a - b + c`; of many numbers as long as `a`, for no net was trained farther out. */
export function arithmetic(a, b, c) {
  const found = a.map((value, i) => value - b[i] + c[i]);
  if (a.length < MANY) return found;
  const norm = Math.sqrt(dot(found, found));
  const factor = norm ? Math.sqrt(dot(a, a)) / norm : 0;
  return found.map((value) => value * factor);
}

function dot(one, other) {
  return one.reduce((sum, value, i) => sum + value * other[i], 0);
}
