/*
 * A Vulkan driver in front of Mesa's RADV on its null device, which compiles for a GPU that is not there. What would reach hardware (command
 * buffers, queues, fences) does nothing and succeeds, since Dawn submits commands when it opens a device.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void (*function)(void);
typedef function (*lookup)(void *, const char *);

static void *driver;
static lookup of_instance, of_device;

static void load(void) {
  const char *file = getenv("RADV_LIBRARY");
  if (driver) return;
  driver = dlopen(file ? file : "libvulkan_radeon.so", RTLD_NOW | RTLD_LOCAL);
  if (!driver) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  of_instance = (lookup)dlsym(driver, "vk_icdGetInstanceProcAddr");
}

static int32_t succeed(void) { return 0; }

static int reaches_hardware(const char *name) {
  static const char *const names[] = {
    "vkBeginCommandBuffer", "vkEndCommandBuffer", "vkResetCommandBuffer", "vkResetCommandPool", "vkQueueSubmit",     "vkQueueSubmit2",   "vkQueueSubmit2KHR",
    "vkQueueWaitIdle",      "vkDeviceWaitIdle",   "vkWaitForFences",      "vkGetFenceStatus",   "vkResetFences",     "vkWaitSemaphores", "vkWaitSemaphoresKHR",
  };
  if (!strncmp(name, "vkCmd", 5)) return 1;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) return 1;
  return 0;
}

static function device_function(void *device, const char *name);

static function replaced(const char *name, function real) {
  if (!real) return real;
  if (!strcmp(name, "vkGetDeviceProcAddr")) {
    of_device = (lookup)real;
    return (function)device_function;
  }
  return reaches_hardware(name) ? (function)succeed : real;
}

static function device_function(void *device, const char *name) { return replaced(name, of_device(device, name)); }

__attribute__((visibility("default"))) function vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  load();
  return replaced(name, of_instance(instance, name));
}

__attribute__((visibility("default"))) function vk_icdGetPhysicalDeviceProcAddr(void *instance, const char *name) {
  load();
  lookup of_physical = (lookup)dlsym(driver, "vk_icdGetPhysicalDeviceProcAddr");
  function real = of_physical ? of_physical(instance, name) : NULL;
  return real ? replaced(name, real) : NULL;
}

__attribute__((visibility("default"))) int32_t vk_icdNegotiateLoaderICDInterfaceVersion(uint32_t *version) {
  load();
  int32_t (*negotiate)(uint32_t *) = (int32_t (*)(uint32_t *))dlsym(driver, "vk_icdNegotiateLoaderICDInterfaceVersion");
  return negotiate ? negotiate(version) : 0;
}
