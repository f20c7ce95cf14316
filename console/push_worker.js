"use strict";
// Shows what `alerts.channels.push.payload` says; a tap opens the link. A later message about an incident takes the
// place of an earlier one, and rings again.
self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("push", (event) => {
  const said = event.data ? event.data.json() : {};
  event.waitUntil(self.registration.showNotification(said.title || "Vigil", {
    body: said.body || "",
    tag: said.tag,
    renotify: !!said.tag,
    lang: said.lang,
    timestamp: said.created_us ? said.created_us / 1000 : undefined,
    requireInteraction: !!said.wants_answer,
    data: { url: said.url || "" },
  }));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const url = event.notification.data && event.notification.data.url;
  if (url) event.waitUntil(self.clients.openWindow(url));
});
