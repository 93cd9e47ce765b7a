//! What of a page moves or glides.
#![allow(unreachable_pub, reason = "a module of several test files")]

use super::devtools::Browser;

/// Each element that its computed style lets move or glide, and what is moving now.
pub fn moving(browser: &mut Browser) -> Vec<String> {
    let moving = browser.eval(
        "(() => { const found = document.getAnimations().map((one) => `moving now: ${one.effect?.target?.className}`); \
         const takesTime = (times) => times.split(', ').some((time) => parseFloat(time) > 0); \
         for (const element of document.querySelectorAll('*')) for (const part of [null, '::before', '::after', '::backdrop']) { \
         const style = getComputedStyle(element, part); \
         const says = [style.transitionProperty !== 'none' && takesTime(style.transitionDuration) ? 'transition' : '', \
         style.animationName !== 'none' ? 'animation' : '', style.scrollBehavior === 'smooth' ? 'smooth' : ''].join(''); \
         if (says !== '') found.push(`${says}: ${element.tagName} .${element.className} ${part ?? ''}`.trim()); } return found; })()",
    );
    serde_json::from_value(moving).unwrap()
}
