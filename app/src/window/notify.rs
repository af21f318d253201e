//! A line from the desktop: `org.freedesktop.Notifications`, where there is one. Where there is none, the toast in the
//! window has to do.

use std::collections::HashMap;
use std::thread;

/// Shows it, without waiting for it.
pub fn show(title: String, body: String) {
    let sending = thread::Builder::new().name("notify".to_owned()).spawn(move || {
        if let Err(error) = send(&title, &body) {
            tracing::info!("the desktop shows no notifications: {error}");
        }
    });
    if let Err(error) = sending {
        tracing::warn!("no thread for a notification: {error}");
    }
}

/// The specification's `Notify`: program, id of one to replace, icon, both texts, actions, hints, and when it goes.
#[cfg(unix)]
fn send(title: &str, body: &str) -> zbus::Result<()> {
    const NAME: &str = "org.freedesktop.Notifications";
    let hints: HashMap<&str, zbus::zvariant::Value<'_>> =
        std::iter::once(("desktop-entry", "glassworks".into())).collect();
    let actions: [&str; 0] = [];
    let call = ("Glassworks", 0u32, "glassworks", title, escaped(body), &actions[..], hints, -1i32);
    pollster::block_on(async {
        let bus = zbus::Connection::session().await?;
        bus.call_method(Some(NAME), "/org/freedesktop/Notifications", Some(NAME), "Notify", &call).await?;
        Ok(())
    })
}

#[cfg(not(unix))]
fn send(_: &str, _: &str) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// A notification's body may be read as markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_text_and_nothing_else() {
        assert_eq!(escaped("<b>R&D</b>"), "&lt;b&gt;R&amp;D&lt;/b&gt;");
    }
}
